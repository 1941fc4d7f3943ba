// The questions of a conversation in their order, each with its answers: pure functions.

/** A conversation that nothing is known of yet. */
export function openConversation(conversationId) {
  return { conversation_id: conversationId, kind: "session", title: null, questions: [], turns: new Map(), last_seq: 0 };
}

/** Add a question or what was learned of it; one message id is one question, however often it is told. */
export function withQuestion(conversation, told) {
  const known = conversation.questions.find((question) => question.message_id === told.message_id);
  if (known === undefined) return { ...conversation, questions: place(conversation.questions, told) };
  const merged = { ...known, ...told };
  // Its place is known only now: it stood where it was asked, beside questions that the store had numbered already.
  const moved = known.seq === null && merged.seq !== null;
  const others = conversation.questions.filter((question) => question !== known);
  const questions = moved
    ? place(others, merged)
    : conversation.questions.map((question) => (question === known ? merged : question));
  return { ...conversation, questions };
}

/** Before the first question with a higher number; one without a number stays where it was asked. */
function place(questions, told) {
  const next = told.seq === null ? -1 : questions.findIndex((question) => question.seq !== null && question.seq > told.seq);
  return next === -1 ? [...questions, told] : questions.toSpliced(next, 0, told);
}

/** A stored message as a question of the page. */
export function storedQuestion(message) {
  const { message_id, content, seq = null, turn_id = null, sender = null, created_at = null } = message;
  return { message_id, content, seq, turn_id, sender, created_at, status: "stored", error: null };
}

/** After a page of history: numbered questions in order, those not stored yet at the end. */
export function inOrder(conversation) {
  const numbered = conversation.questions.filter((question) => question.seq !== null);
  const rest = conversation.questions.filter((question) => question.seq === null);
  return { ...conversation, questions: [...numbered.toSorted((a, b) => a.seq - b.seq), ...rest] };
}

/**
 * What to show, in order: each question with its turns, and turns whose question is not known.
 * @returns {{key: string, question: object | null, turns: object[]}[]}
 */
export function timeline(conversation) {
  const turns = [...conversation.turns.values()];
  const entries = conversation.questions.map((question) => ({
    key: question.message_id,
    seq: question.seq,
    question,
    turns: turns.filter((turn) => belongs(turn, question)),
  }));
  const shown = new Set(entries.flatMap((entry) => entry.turns));
  for (const turn of turns.filter((candidate) => !shown.has(candidate))) {
    const entry = { key: turn.turn_id, seq: turn.seq, question: null, turns: [turn] };
    const next = entry.seq === null ? -1 : entries.findIndex((other) => other.seq !== null && other.seq > entry.seq);
    entries.splice(next === -1 ? entries.length : next, 0, entry);
  }
  return entries;
}

function belongs(turn, question) {
  return turn.question_id === question.message_id || (question.turn_id ?? null) === turn.turn_id;
}

/** The turn that is at work, or null. */
export function runningTurn(conversation) {
  const open = [...conversation.turns.values()].filter((turn) => !turn.ended);
  return open.find((turn) => turn.status !== "waiting") ?? open[0] ?? null;
}

/** The id of the last message that the store has, or null. */
export function lastStored(conversation) {
  const answers = [...conversation.turns.values()].map(({ seq, response }) => ({ seq, message_id: response?.message_id }));
  const stored = [...conversation.questions, ...answers].filter(({ seq, message_id }) => seq !== null && message_id);
  const last = Math.max(...stored.map(({ seq }) => seq));
  return stored.find(({ seq }) => seq === last)?.message_id ?? null;
}
