// What people read: errors, outcomes, states and first questions in plain words.

const ERRORS = {
  unauthenticated: "You are signed out. Please sign in again.",
  token_expired: "Your sign-in has run out. It is being renewed.",
  interaction_required: "Your organisation asks you to sign in once more.",
  forbidden: "You are not allowed to do this.",
  bad_request: "The service did not understand this request.",
  not_found: "This is not available any more.",
  too_large: "This message is too long.",
  rate_limited: "That was a little fast.",
  quota_exceeded: "Today's allowance is used up.",
  model_unavailable: "The coach's model cannot be reached at the moment.",
  tool_failed: "A tool that is needed for this did not work.",
  blocked: "This was blocked by a safety rule.",
  conflict: "This cannot be done now.",
  internal: "Something went wrong on our side.",
};

const OUTCOMES = { done: "Done", failed: "Failed", refused: "Refused", unknown: "Outcome unknown" };
const CONNECTION = { online: "Connected", connecting: "Connecting…", offline: "Offline. Trying again…" };

const QUESTIONS = {
  Sales: ["How is my pipeline this quarter?", "Which deals are most at risk?", "Why did we lose our last deals?"],
  HR: ["Who joined the company this quarter?", "How large are our teams?", "Who is on leave this week?"],
  Admin: ["How is the pipeline this quarter?", "How large are our teams?", "Which deals are most at risk?"],
};
const FIRST_QUESTIONS = 3;
const ANYBODY = ["What can you help me with?", "How do I prepare a first customer meeting?", "Give me a checklist for a negotiation."];

const GROUP_COMPOSER = {
  mention: "Write to the group; @coach calls the coach…",
  always: "Write to the group; the coach answers every message…",
  quiet: "Write to the group; its owner calls the coach with @coach…",
};

/** What a group's rules mean to its people. */
export const groupWords = {
  reply_policy: { mention: "when it is mentioned (@coach)", always: "every message", quiet: "only when the owner mentions it" },
  history: { all: "everything from the start", since_join: "what is said after they came" },
  audience: { members: "all members", role: "members who hold the group's role" },
};

/** By which rules a group works, a line each. */
export function rulesWords({ role, policy, reply_policy, history, audience }) {
  return [
    role ? `Works in the role ${role}.` : "Works without a role: only tools for everyone.",
    `The coach answers ${own(groupWords.reply_policy, policy ?? reply_policy)}.`,
    `New members read ${own(groupWords.history, history)}.`,
    `Answers are for ${own(groupWords.audience, audience)}.`,
  ];
}

/** What to write where, for whoever writes. */
export function composerWords({ kind, policy }) {
  if (kind !== "group") return "Ask the coach…";
  return own(GROUP_COMPOSER, policy) ?? GROUP_COMPOSER.mention;
}

/** How many people are in a group, and how many of them are here. */
export function membersWords({ members = [], online = [] }) {
  const here = online.length > 0 ? `, ${online.length} here` : "";
  return members.length === 1 ? `1 member${here}` : `${members.length} members${here}`;
}

/** An error of the wire or of the API as a sentence. */
export function errorWords(error) {
  const known = own(ERRORS, error?.code) ?? ERRORS.internal;
  const wait = error?.retry_after ? ` Please try again in ${Math.ceil(error.retry_after)} s.` : "";
  return `${known}${wait}`;
}

/** Why the API refused, in its own words where it has some: they say what to do about it. */
export function refusalWords(refusal) {
  if (refusal.code === undefined) return "The service cannot be reached. Please try again.";
  return refusal.code === "internal" || !refusal.message ? errorWords(refusal) : refusal.message;
}

/** The number to quote when one asks for help, or an empty text. */
export function referenceWords(error) {
  return error?.correlation_id ? `Reference ${error.correlation_id}` : "";
}

export function outcomeWords(outcome) {
  return own(OUTCOMES, outcome) ?? outcome;
}

export function connectionWords(state) {
  return CONNECTION[state];
}

/** A duration as people say it. */
export function durationWords(milliseconds) {
  return milliseconds < 1_000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1_000).toFixed(1)} s`;
}

/** What happens to a turn before its text comes. */
export function waitingWords(turn, isNext) {
  if (turn.status === "awaiting_approval") return "Waiting for your approval";
  if (turn.status === "waiting" && !isNext) return "In the queue, after the answer above";
  return turn.tools.some((tool) => !tool.finished) ? "Looking things up…" : "Thinking…";
}

/** First questions for an empty chat: what others of the person's roles ask, then what suits the role. */
export function firstQuestions(session, learned = []) {
  const texts = learned.map(({ text }) => text).filter((text) => typeof text === "string" && text !== "");
  return [...new Set([...texts, ...ownQuestions(session)])].slice(0, Math.max(texts.length, FIRST_QUESTIONS));
}

function ownQuestions(session) {
  const held = [session?.role, ...(session?.roles ?? [])];
  return held.map((role) => own(QUESTIONS, role)).find((questions) => questions !== undefined) ?? ANYBODY;
}

/** A table's own entry: names that every object inherits, such as `constructor`, are none. */
function own(table, key) {
  return Object.hasOwn(table, key ?? "") ? table[key] : undefined;
}
