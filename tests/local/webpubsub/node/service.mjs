// Every operation of the official JavaScript service SDK; prints the results as one JSON line.
// Arguments: connection string, hub, id of a connection of user "ann", id of one of user "ben".
import { WebPubSubServiceClient, odata } from "@azure/web-pubsub";

const [connectionString, hub, ann, ben] = process.argv.slice(2);
const service = new WebPubSubServiceClient(connectionString, hub, {
  allowInsecureConnection: true,
  retryOptions: { maxRetries: 0 },
});
const group = service.group("g");
const members = async (client) => {
  const found = [];
  for await (const member of await client.listConnections({ maxPageSize: 1 })) found.push(member.userId);
  return found.sort();
};
const status = (promise) => promise.then(() => "ok", (error) => error.statusCode);
const result = {};

await service.sendToAll({ n: 1 }, { excludedConnections: [ben] });
await service.sendToAll("two", { contentType: "text/plain", filter: odata`userId eq ${"ann"}` });
await service.sendToAll(new Uint8Array([3]).buffer, { filter: "userId in ('ann','cat')" });
await service.sendToUser("ann", { n: 4 }, { messageTtlSeconds: 60 });
await service.sendToConnection(ann, { n: 5 });
result.exists = [
  await service.connectionExists(ann),
  await service.connectionExists("gone"),
  await service.userExists("ann"),
  await service.userExists("nobody"),
  await service.groupExists("g"),
];
await group.addConnection(ann);
await group.addUser("ben");
result.members = await members(group);
await group.sendToAll({ n: 6 }, { excludedConnections: [ben] });
await group.removeConnection(ann);
await group.removeUser("ben");
result.left = await members(group);
await service.addConnectionsToGroups(["g", "h"], "userId eq 'ann'");
result.added = [await members(service.group("g")), await members(service.group("h"))];
await service.removeConnectionsFromGroups(["g"], "userId eq 'ann'");
result.removed = [await members(service.group("g")), await members(service.group("h"))];
await service.removeConnectionFromAllGroups(ann);
await service.removeUserFromAllGroups("ann");
result.permissions = [await service.hasPermission(ann, "joinLeaveGroup", { targetName: "g" })];
await service.grantPermission(ann, "joinLeaveGroup", { targetName: "g" });
result.permissions.push(await service.hasPermission(ann, "joinLeaveGroup", { targetName: "g" }));
await service.revokePermission(ann, "joinLeaveGroup", { targetName: "g" });
result.permissions.push(await service.hasPermission(ann, "joinLeaveGroup", { targetName: "g" }));
result.refused = [
  await status(group.addConnection("gone")),
  await status(service.sendToAll(1, { filter: "dance" })),
  await status(new WebPubSubServiceClient(connectionString.replace("ABC", "XYZ"), hub, {
    allowInsecureConnection: true,
  }).sendToAll(1)),
];
const token = await service.getClientAccessToken({ userId: "cat", groups: ["t"], roles: ["webpubsub.sendToGroup"] });
result.clientUrl = token.url;
await service.closeConnection(ann, { reason: "bye" });
await service.group("t").closeAllConnections({ reason: "nobody" });
await service.closeUserConnections("nobody");
await service.closeAllConnections({ reason: "all" });
console.log(JSON.stringify(result));
