// What a page knows of a group beyond its messages: its people and how it works, as pure functions of a conversation.

/** Typing that is not told again is over after so long (rule 18 of the wire). */
export const TYPING_MS = 6_000;

/** A conversation that is a group, by what REST or `group.joined` says of it. */
export function asGroup(conversation, told) {
  const group = { ...conversation, kind: "group", lost: null };
  if (isOlder(told, conversation)) return group;
  const { title = conversation.title, members = conversation.members ?? [], role = null, owner, reply_policy } = told;
  const { policy = reply_policy, history, audience, status, revision } = told;
  return { ...group, title, role, owner, members, policy, history, audience, status, revision };
}

/** Another title, other rules or another owner. */
export function withRules(conversation, told) {
  if (isOlder(told, conversation)) return conversation;
  const { title, role, owner, policy, history, audience, revision } = told;
  return { ...conversation, title, role, owner, policy, history, audience, revision };
}

/** No order is promised, between frames or between them and REST: of two states the one with the higher number is newer. */
function isOlder(told, known) {
  return (told.revision ?? -1) < (known.revision ?? -1);
}

export function withMember(conversation, { user }) {
  const others = (conversation.members ?? []).filter((member) => member.id !== user.id);
  return { ...conversation, members: [...others, user] };
}

export function withoutMember(conversation, { user }) {
  const left = (list) => (list ?? []).filter((one) => (one.id ?? one) !== user.id);
  return { ...conversation, members: left(conversation.members), online: left(conversation.online) };
}

export function withPresence(conversation, { online }) {
  return { ...conversation, online };
}

/** Who writes, and since when; it is over by itself. */
export function withTyping(conversation, { user, typing }, now) {
  const others = (conversation.typing ?? []).filter((one) => one.id !== user.id);
  return { ...conversation, typing: typing ? [...others, { id: user.id, name: user.name, at: now }] : others };
}

/** Without those of whom nothing was heard for a while. */
export function stillTyping(conversation, now) {
  return { ...conversation, typing: conversation.typing.filter((one) => now - one.at < TYPING_MS) };
}

/** Names of those who write at this moment. */
export function writers(conversation) {
  return (conversation.typing ?? []).map((one) => one.name);
}

/** The person lost the group, or it has ended. */
export function lost(conversation, { reason }) {
  return reason === "archived" ? { ...conversation, status: "archived" } : { ...conversation, lost: reason };
}
