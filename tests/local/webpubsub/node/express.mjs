// An app on the official express middleware; prints its port, and every event as a JSON line.
import { WebPubSubEventHandler } from "@azure/web-pubsub-express";
import express from "express";

const say = (value) => console.log(JSON.stringify(value));
const handler = new WebPubSubEventHandler("chat", {
  path: "/events",
  handleConnect: (request, response) => {
    say({ event: "connect", user: request.context.userId, claims: request.claims.sub, query: request.queries.color });
    if (request.queries.color?.[0] === "none") return response.fail(401, "no");
    response.setState("color", "blue");
    response.success({ userId: "renamed", groups: ["g"], roles: ["webpubsub.sendToGroup"] });
  },
  onConnected: (request) => say({ event: "connected", user: request.context.userId }),
  handleUserEvent: (request, response) => {
    const { eventName, states } = request.context;
    say({ event: eventName, data: request.data, dataType: request.dataType, states });
    if (eventName === "fail") return response.fail(400, "no");
    response.setState("count", (states.count ?? 0) + 1);
    response.success(JSON.stringify({ count: states.count ?? 0 }), "json");
  },
  onDisconnected: (request) => say({ event: "disconnected", reason: request.reason, states: request.context.states }),
});
const app = express();
app.use(handler.getMiddleware());
const server = app.listen(0, "127.0.0.1", () => say({ port: server.address().port }));
