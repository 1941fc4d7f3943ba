// The client's law: whatever is lost, doubled or reordered on the way, the page ends with the stored text.
import assert from "node:assert/strict";
import { test } from "node:test";

import { initialState, reduce } from "../src/reduce.js";

const ROUNDS = Number(process.env.SALESCOACH_LAW_ROUNDS ?? 300);
const SEED = Number(process.env.SALESCOACH_LAW_SEED ?? 20261122);
const ALPHABET = [..."ab \n|é漢👍🚀𝒜"];

/** A small seeded generator (mulberry32), so that a failing story can be told again. */
function generator(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (random, limit) => Math.floor(random() * limit);
const frame = (type, fields) => ({ type, conversation_id: "c", session_id: "c", turn_id: "t", ...fields });

/** What a server sends for one turn: attempts that break off, and one that reaches its end. */
function story(random) {
  const attempts = 1 + below(random, 3);
  const frames = [];
  let points = [];
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    points = Array.from({ length: 1 + below(random, 60) }, () => ALPHABET[below(random, ALPHABET.length)]);
    const until = attempt === attempts ? points.length : below(random, points.length);
    frames.push(frame("response.started", { attempt, question_id: "q" }));
    for (let offset = 0; offset < until; ) {
      const end = Math.min(until, offset + 1 + below(random, 9));
      frames.push(frame("response.delta", { attempt, offset, text: points.slice(offset, end).join("") }));
      offset = end;
    }
  }
  return { frames, points, attempt: attempts };
}

/** The network: swaps neighbours, doubles and loses. */
function delivered(frames, random) {
  const kept = frames.flatMap((one) => (random() < 0.15 ? [] : random() < 0.15 ? [one, one] : [one]));
  for (let swaps = below(random, kept.length + 1); swaps > 0; swaps -= 1) {
    const at = below(random, Math.max(1, kept.length - 1));
    kept.splice(at, 2, ...kept.slice(at, at + 2).reverse());
  }
  return kept;
}

function snapshotFor(asked, told) {
  const fits = asked.attempt === told.attempt && asked.offset <= told.points.length;
  const offset = fits ? asked.offset : 0;
  return frame("response.snapshot", {
    question_id: "q", attempt: told.attempt, offset, text: told.points.slice(offset).join(""), status: "running", tools: [], approvals: [],
  });
}

function live(told, random) {
  let state = initialState();
  let now = 0;
  for (const one of delivered(told.frames, random)) state = reduce(state, one, (now += 10));
  // Nothing more comes: the page asks on its own, for a gap after a second and for a silent turn after thirty.
  for (let asks = 0; asks < 4; asks += 1) {
    state = reduce(state, { type: "@tick" }, (now += 31_000));
    for (const asked of state.sends) state = reduce(state, snapshotFor(asked, told), now);
  }
  return state;
}

test("a page that lost, doubled and reordered frames ends with the very text that was produced", () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = generator(SEED + round);
    const told = story(random);
    const turn = live(told, random).conversations.get("c")?.turns.get("t");
    if (turn === undefined) continue; // every frame was lost: such a page learns of the turn from session.created

    assert.equal(turn.text, told.points.join(""), `seed ${SEED + round}`);
    assert.equal(turn.length, told.points.length, `seed ${SEED + round}`);
    assert.equal(turn.held.length, 0);
  }
});

test("a page never shows text of two attempts, nor a piece that is not where it belongs", () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = generator(SEED + 50_000 + round);
    const told = story(random);
    let state = initialState();
    for (const one of delivered(told.frames, random)) {
      state = reduce(state, one, 0);
      const turn = state.conversations.get("c").turns.get("t");
      if (turn.attempt === told.attempt) assert.ok(told.points.join("").startsWith(turn.text), `seed ${SEED + 50_000 + round}`);
    }
  }
});

test("the stored answer settles any state, and nothing told before or after it changes the text", () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const random = generator(SEED + 90_000 + round);
    const told = story(random);
    const text = told.points.join("");
    const stored = { conversation_id: "c", author: "assistant", message_id: "a", turn_id: "t", question_id: "q", seq: 2, attempt: told.attempt, content: text, status: "final", tool_feedback: [] };
    const frames = delivered(told.frames, random);
    frames.splice(below(random, frames.length + 1), 0, { type: "@history", conversation_id: "c", items: [stored] });
    const state = frames.reduce((known, one, index) => reduce(known, one, index), initialState());
    const turn = state.conversations.get("c").turns.get("t");

    assert.equal(turn.text, text, `seed ${SEED + 90_000 + round}`);
    assert.equal(turn.status, "done");
  }
});
