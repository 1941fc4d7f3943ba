// One person of a group on the official JavaScript client; prints the frames that came as one JSON line.
// Arguments: client URL, access token, group id, how many turns to hear to their end.
import { WebPubSubClient } from "@azure/web-pubsub-client";

const [url, accessToken, groupId, turns] = process.argv.slice(2);
const client = new WebPubSubClient(url);
const frames = [];
const take = ({ message }) => frames.push(message.data);
client.on("server-message", take);
client.on("group-message", take);

async function until(holds, what) {
  for (const end = Date.now() + 60_000; !holds(); await new Promise((resolve) => setTimeout(resolve, 10)))
    if (Date.now() > end) throw new Error(`no ${what}: ${frames.map((frame) => frame.type)}`);
}

await client.start();
// Without `session.update`: the token comes with the message that joins.
await client.sendEvent("message", { type: "join_group", group_id: groupId, accessToken, request_id: "join" }, "json");
await until(() => frames.some((frame) => frame.request_id === "join"), "group.joined");
process.stderr.write("joined\n");
await client.sendEvent("message", { type: "send_message", content: "Hello from JavaScript", request_id: "say" }, "json");
await until(() => frames.filter((frame) => frame.type === "response.committed").length >= Number(turns), "end");
client.stop();
process.stdout.write(JSON.stringify(frames), () => process.exit(0));
