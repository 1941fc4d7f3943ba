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

const RULES = ["title", "role", "owner", "policy", "history", "audience", "revision"];
const CHANGED = { type: "group.changed", title: "Q4", role: "Sales", owner: HANA.id, policy: "always", history: "all", audience: "role", revision: 3 };

function rules(state) {
  const group = state.conversations.get("g");
  return Object.fromEntries(RULES.map((name) => [name, group[name]]));
}

function shuffled(list, random) {
  return list.map((one) => [random(), one]).toSorted(([a], [b]) => a - b).map(([, one]) => one);
}

test("changes of a group in any order, doubled, and mixed with late answers of REST end where a fresh fetch begins", () => {
  for (let round = 0; round < 300; round += 1) {
    let seed = 20261122 + round;
    const random = () => ((seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32);
    const pick = (...list) => list[Math.floor(random() * list.length)];
    const states = Array.from({ length: 2 + Math.floor(random() * 6) }, (_none, revision) => ({
      title: `Title ${revision}`, role: pick(null, "Sales", "HR"), owner: pick(SAM.id, HANA.id), policy: pick("mention", "always", "quiet"),
      history: pick("all", "since_join"), audience: pick("members", "role"), revision,
    }));
    const fetched = ({ policy, ...state }) => ({ type: "@group", ...state, reply_policy: policy, members: [SAM], status: "active" });
    const joined = (state) => ({ ...JOINED, ...state });
    const last = told(fetched(states.at(-1)));
    for (const [known, state] of states.entries()) {
      const frames = states.slice(1).map((one) => ({ type: "group.changed", ...one }));
      const late = [fetched(pick(...states.slice(0, known + 1))), joined(pick(...states)), pick(...frames)];
      assert.deepEqual(rules(told(fetched(state), ...shuffled([...frames, ...late], random))), rules(last), `round ${round}`);
    }
  }
});

test("a change of a group that the page does not know is left to the list, and keeps people and messages of one that it knows", () => {
  assert.equal(told(CHANGED).conversations.size, 0);
  const before = told(JOINED, { type: "presence", online: [SAM.id] }).conversations.get("g");
  const { type: _type, ...changed } = CHANGED;
  assert.deepEqual(told(JOINED, { type: "presence", online: [SAM.id] }, CHANGED).conversations.get("g"), { ...before, ...changed });
});

test("a deleted chat is forgotten with its turns, whose late frames bring nothing back; its id may begin anew", () => {
  const here = { conversation_id: "s", session_id: "s" };
  const delta = { ...here, type: "response.delta", turn_id: "t1", attempt: 1, offset: 0, text: "old" };
  const gone = [delta, { ...here, type: "session.deleted" }, delta, { ...here, type: "response.committed", turn_id: "t1", message_id: "a" }];
  const state = gone.reduce((known, frame) => reduce(known, frame, 0), initialState());
  assert.equal(state.conversations.size, 0);
  assert.deepEqual(state.sends, []);
  const anew = reduce(state, { ...delta, turn_id: "t2", text: "new" }, 0);
  assert.equal(anew.conversations.get("s").turns.get("t2").text, "new");
  assert.deepEqual(reduce(initialState(), { ...here, type: "session.deleted" }, 0).conversations.size, 0);
});

test("a chat that was deleted while the page was away begins anew, and what was not sent yet goes out in it", () => {
  const here = { conversation_id: "s", session_id: "s" };
  const question = { ...here, message_id: "q", turn_id: "t1", seq: 1, author: "user", content: "?", status: "final" };
  const answer = { ...here, message_id: "a", turn_id: "t1", question_id: "q", seq: 2, author: "assistant", content: "!", status: "final" };
  const ask = { type: "@ask", conversation_id: "s", message_id: "m", content: "And now?" };
  const read = [{ type: "@history", ...here, items: [question, answer] }, ask].reduce((known, frame) => reduce(known, frame, 0), initialState());
  const session = { ...here, type: "session.created", user: SAM, resumed: true, last_seq: 2 };
  assert.equal(reduce(read, session, 0).conversations.get("s").questions.length, 2);
  const anew = reduce(read, { ...session, resumed: false, last_seq: 0 }, 0);
  assert.deepEqual(anew.conversations.get("s").questions.map(({ message_id }) => message_id), ["m"]);
  assert.deepEqual([anew.conversations.get("s").turns.size, anew.sends.map(({ message_id }) => message_id)], [0, ["m"]]);
});

test("a lost group is marked, an archived one stays", () => {
  const removed = (reason) => told(JOINED, { type: "group.removed", reason }).conversations.get("g");
  assert.equal(removed("removed").lost, "removed");
  assert.deepEqual([removed("archived").lost, removed("archived").status], [null, "archived"]);
  assert.equal(told({ type: "group.removed", reason: "deleted" }).conversations.size, 0);
});
