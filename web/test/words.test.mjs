// What people read.
import assert from "node:assert/strict";
import { test } from "node:test";

import { durationWords, errorWords, firstQuestions, outcomeWords, waitingWords } from "../src/words.js";

const CODES = [
  "unauthenticated", "token_expired", "interaction_required", "forbidden", "bad_request", "not_found", "too_large",
  "rate_limited", "quota_exceeded", "model_unavailable", "tool_failed", "blocked", "conflict", "internal",
];

test("every code of the wire has a sentence of its own", () => {
  const sentences = CODES.map((code) => errorWords({ code }));

  assert.equal(new Set(sentences).size, CODES.length);
});

test("a code that the page does not know reads as a fault of the service", () => {
  for (const code of [undefined, "constructor", "new_code"]) assert.equal(errorWords({ code }), errorWords({ code: "internal" }));
});

test("a wait is told in whole seconds", () => {
  assert.match(errorWords({ code: "rate_limited", retry_after: 1.2 }), /in 2 s\.$/);
});

test("durations and outcomes read well", () => {
  assert.deepEqual([durationWords(12.4), durationWords(1240)], ["12 ms", "1.2 s"]);
  assert.deepEqual([outcomeWords("unknown"), outcomeWords("toString")], ["Outcome unknown", "toString"]);
});

test("a turn says whether it thinks, looks things up, waits in the queue or for the person", () => {
  const turn = { status: "running", tools: [] };

  assert.equal(waitingWords(turn, true), "Thinking…");
  assert.equal(waitingWords({ ...turn, tools: [{ finished: false }] }, true), "Looking things up…");
  assert.match(waitingWords({ ...turn, status: "waiting" }, false), /^In the queue/);
  assert.match(waitingWords({ ...turn, status: "awaiting_approval" }, true), /approval/);
});

test("first questions fit the role, and nobody goes without", () => {
  assert.notDeepEqual(firstQuestions({ role: "HR", roles: ["HR"] }), firstQuestions({ role: "Sales", roles: ["Sales"] }));
  assert.deepEqual(firstQuestions({ role: null, roles: [] }), firstQuestions(null));
});

test("what others ask goes before what the page suggests, once", () => {
  const own = firstQuestions({ role: "Sales", roles: ["Sales"] });
  const learned = [{ text: "Which deals are overdue?" }, { text: own[0] }, { text: 7 }, {}];

  assert.deepEqual(firstQuestions({ role: "Sales", roles: ["Sales"] }, learned), ["Which deals are overdue?", own[0], own[1]]);
  assert.equal(firstQuestions(null, Array.from({ length: 6 }, (_x, at) => ({ text: `q${at}` }))).length, 6);
});
