// What is told of a group's people, and what a page makes of it.
import assert from "node:assert/strict";
import { test } from "node:test";

import { initialState, reduce } from "../src/reduce.js";
import { TYPING_MS, writers } from "../src/room.js";
import { lastStored } from "../src/timeline.js";

const HERE = { conversation_id: "g", group_id: "g" };
const SAM = { id: "t:sam", name: "Sam" };
const HANA = { id: "t:hana", name: "Hana" };

function told(...frames) {
  return frames.reduce((state, frame) => reduce(state, { ...HERE, ...frame }, frame.at ?? 0), initialState());
}

const JOINED = { type: "group.joined", title: "Renewals", role: null, owner: SAM.id, members: [SAM], policy: "mention", last_seq: 0 };

test("members come and go, and who is gone is not here", () => {
  const state = told(JOINED, { type: "presence", online: [SAM.id, HANA.id] }, { type: "member.joined", user: HANA }, { type: "member.joined", user: HANA });
  assert.deepEqual(state.conversations.get("g").members, [SAM, HANA]);
  const left = reduce(state, { ...HERE, type: "member.left", user: HANA }, 0).conversations.get("g");
  assert.deepEqual([left.members, left.online], [[SAM], [SAM.id]]);
});

test("who writes is shown until they stop, or nothing is heard of them any more", () => {
  const typing = (user, typing, at) => ({ type: "typing", user, typing, at });
  const state = told(JOINED, typing(SAM, true, 0), typing(HANA, true, 3_000), typing(SAM, true, 5_000));
  assert.deepEqual(writers(state.conversations.get("g")), ["Hana", "Sam"]);
  const later = reduce(state, { type: "@tick" }, 3_000 + TYPING_MS).conversations.get("g");
  assert.deepEqual(writers(later), ["Sam"]);
  const stopped = reduce(state, { ...HERE, ...typing(SAM, false) }, 5_000).conversations.get("g");
  assert.deepEqual(writers(stopped), ["Hana"]);
});

test("a question in a group names the group, and goes out again once it is joined on a new connection", () => {
  const asked = reduce(told(JOINED), { type: "@ask", conversation_id: "g", message_id: "m", content: "Hello" }, 0);
  assert.deepEqual(asked.sends, [{ type: "query", request_id: "m", group_id: "g", message_id: "m", content: "Hello" }]);
  const session = { type: "session.updated", conversation_id: "s", session_id: "s", user: SAM, last_seq: 0 };
  const opened = reduce(asked, session, 0);
  assert.deepEqual(opened.sends, [], "before join_group the group takes nothing");
  assert.deepEqual(reduce(opened, { ...HERE, ...JOINED }, 0).sends, asked.sends);
});

test("what is stored beyond what the page has is read when a group is joined", () => {
  assert.deepEqual(told({ ...JOINED, last_seq: 4 }).sends, [{ type: "@history", conversation_id: "g", after_seq: 0 }]);
});

test("an answer that is withheld ends its turn, live and from the store alike", () => {
  const turn = { turn_id: "t1" };
  const delta = { ...turn, type: "response.delta", attempt: 1, offset: 0, text: "secret" };
  const live = told(JOINED, delta, { ...turn, type: "response.withheld", reason: "role" }, { ...delta, attempt: 2 });
  assert.partialDeepStrictEqual?.(live.conversations.get("g").turns.get("t1"), { status: "withheld", ended: true, text: "" });
  const stored = { ...turn, message_id: "a", question_id: "q", seq: 2, author: "assistant", content: "", status: "final", withheld: "role" };
  const read = told(JOINED, { type: "@history", conversation_id: "g", items: [{ ...HERE, ...stored }] });
  const { status, question_id, seq, text } = read.conversations.get("g").turns.get("t1");
  assert.deepEqual({ status, question_id, seq, text }, { status: "withheld", question_id: "q", seq: 2, text: "" });
});

test("the last stored message is the one with the highest number, question or answer", () => {
  const question = { ...HERE, message_id: "q", seq: 1, author: "user", content: "?", status: "final" };
  const answer = { ...HERE, turn_id: "t1", message_id: "a", question_id: "q", seq: 2, author: "assistant", content: "!", status: "final" };
  assert.equal(lastStored(told(JOINED).conversations.get("g")), null);
  assert.equal(lastStored(told(JOINED, { type: "@history", items: [question] }).conversations.get("g")), "q");
  assert.equal(lastStored(told(JOINED, { type: "@history", items: [question, answer] }).conversations.get("g")), "a");
});

test("a lost group is marked, an archived one stays", () => {
  const removed = (reason) => told(JOINED, { type: "group.removed", reason }).conversations.get("g");
  assert.equal(removed("removed").lost, "removed");
  assert.deepEqual([removed("archived").lost, removed("archived").status], [null, "archived"]);
  assert.equal(told({ type: "group.removed", reason: "deleted" }).conversations.size, 0);
});
