// The official JavaScript client in its whole use; prints what it saw as one JSON line.
// Arguments: client URL, URL of the faults endpoint, subprotocol ("json" or "reliable").
import { WebPubSubClient, WebPubSubJsonProtocol, WebPubSubJsonReliableProtocol } from "@azure/web-pubsub-client";

const [url, faults, kind] = process.argv.slice(2);
const protocol = kind === "json" ? WebPubSubJsonProtocol() : WebPubSubJsonReliableProtocol();
const client = new WebPubSubClient(url, { protocol, messageRetryOptions: { maxRetries: 0 } });
const seen = { connected: [], disconnected: 0, group: [], server: [], errors: [] };
client.on("connected", (event) => seen.connected.push(event.userId));
client.on("disconnected", () => (seen.disconnected += 1));
client.on("group-message", ({ message }) => seen.group.push(plain(message)));
client.on("server-message", ({ message }) => seen.server.push(plain(message)));

const plain = (message) => (message.dataType === "binary" ? [...new Uint8Array(message.data)] : message.data);
const refusal = (promise) => promise.then(() => "none", (error) => error.errorDetail?.name ?? error.message);
async function until(holds) {
  for (const end = Date.now() + 5000; !(await holds()); await new Promise((resolve) => setTimeout(resolve, 5)))
    if (Date.now() > end) throw new Error(`not in time: ${JSON.stringify(seen)}`);
}

await client.start();
await client.joinGroup("g");
await client.sendToGroup("g", { n: 1 }, "json");
await client.sendToGroup("g", "unheard", "text", { noEcho: true });
await client.sendToGroup("g", new Uint8Array([0, 255]).buffer, "binary");
await client.sendToGroup("g", "fire", "text", { fireAndForget: true });
seen.duplicate = [
  (await client.sendToGroup("g", "once", "text", { ackId: 900 })).isDuplicated,
  (await client.sendToGroup("g", "once", "text", { ackId: 900 })).isDuplicated,
];
await client.sendEvent("echo", { n: 2 }, "json");
await client.sendEvent("echo", "two", "text");
seen.errors.push(await refusal(client.sendEvent("refused", 1, "json")));
await until(() => seen.group.length === 4 && seen.server.length === 2);

if (kind === "reliable") {
  for (let n = 0; n < 60; n += 1) {
    if (n % 20 === 10) await fault({ kind: "drop_connection", userId: "ann" });
    // The same ack id until it is done: what arrived before the socket was lost is not carried out twice.
    await until(() => client.sendToGroup("g", n, "json", { ackId: 1000 + n }).then(() => true, () => false));
  }
  await until(() => seen.group.length === 64);
  seen.group = [...seen.group.slice(0, 4), seen.group.slice(4)];
  seen.beforeReload = { connected: seen.connected.length, disconnected: seen.disconnected };
  await fault({ kind: "service_reload" });
  await until(() => seen.connected.length === 2);
  await client.joinGroup("g");
  await client.sendToGroup("g", "again", "text");
  await until(() => seen.group.at(-1) === "again");
}
await client.leaveGroup("g");
client.stop();
process.stdout.write(JSON.stringify(seen), () => process.exit(0));

async function fault(body) {
  await fetch(faults, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
}
