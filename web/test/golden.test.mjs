// The reducer over the golden event streams, which other clients' reducers read as well.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { initialState, reduce } from "../src/reduce.js";
import { timeline } from "../src/timeline.js";

const GOLDEN = new URL("../../tests/contract/golden/", import.meta.url);

function known(state) {
  const conversations = [...state.conversations].map(([id, conversation]) => [
    id,
    {
      ...conversation,
      turns: Object.fromEntries(conversation.turns),
      timeline: timeline(conversation).map((entry) => [entry.key, entry.turns.map((turn) => turn.turn_id)]),
    },
  ]);
  return { ...state, conversations: Object.fromEntries(conversations) };
}

function assertPart(actual, expected, path) {
  if (Array.isArray(expected)) {
    assert.equal(actual?.length, expected.length, `${path}.length of ${JSON.stringify(actual)}`);
    expected.forEach((item, index) => assertPart(actual[index], item, `${path}[${index}]`));
  } else if (expected !== null && typeof expected === "object") {
    assert.ok(actual !== null && typeof actual === "object", `${path} is ${JSON.stringify(actual)}`);
    for (const [key, value] of Object.entries(expected)) assertPart(actual[key], value, `${path}.${key}`);
  } else {
    assert.deepEqual(actual, expected, path);
  }
}

for (const name of readdirSync(GOLDEN).filter((file) => file.endsWith(".jsonl"))) {
  test(`golden stream ${name.replace(".jsonl", "").replaceAll("_", " ")}`, () => {
    let state = initialState();
    let now = 0;
    const lines = readFileSync(new URL(name, GOLDEN), "utf8").trimEnd().split("\n");
    lines.forEach((line, index) => {
      const { at = now, frame, expect } = JSON.parse(line);
      now = at;
      if (frame) state = reduce(state, frame, now);
      else assertPart(known(state), expect, `line ${index + 1}`);
    });
    assert.ok(lines.some((line) => JSON.parse(line).expect), "the stream expects something");
  });
}
