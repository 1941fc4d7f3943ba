// One turn as the page knows it: the rules of attempts, offsets and endings, as pure functions.

const ENDINGS = { final: "done", done: "done", cancelled: "cancelled", failed: "failed" };

/**
 * Open a turn that nothing is known of yet.
 * @param {string} turnId
 * @param {string} conversationId
 * @param {number} now milliseconds
 */
export function openTurn(turnId, conversationId, now) {
  return {
    turn_id: turnId,
    conversation_id: conversationId,
    question_id: null,
    seq: null,
    status: "waiting",
    attempt: 0,
    text: "",
    length: 0, // of text, in code points: the wire counts so, String.length does not
    held: [], // pieces beyond a gap
    gap_since: null,
    heard: now,
    tools: [],
    approvals: [],
    notices: [],
    settled: false, // a response or the store has given the whole text
    ended: false,
    response: null,
    error: null,
  };
}

function startOver(turn, attempt) {
  return { ...turn, attempt, text: "", length: 0, held: [], gap_since: null };
}

/** Place every held piece that now fits; what lies beyond a gap stays held and the gap's age is kept. */
function closeGap(turn, now) {
  const beyond = [];
  let { text, length } = turn;
  for (const piece of turn.held.toSorted((a, b) => a.offset - b.offset)) {
    if (piece.offset > length) {
      beyond.push(piece);
    } else {
      const fresh = [...piece.text].slice(length - piece.offset);
      text += fresh.join("");
      length += fresh.length;
    }
  }
  const sameGap = length === turn.length && turn.gap_since !== null;
  return { ...turn, text, length, held: beyond, gap_since: beyond.length === 0 ? null : sameGap ? turn.gap_since : now };
}

/** Enter an attempt, or return null when it is older than the one that is known. */
function enter(turn, attempt) {
  if (attempt < turn.attempt) return null;
  return attempt > turn.attempt ? startOver(turn, attempt) : turn;
}

function isStarted(turn) {
  return turn.status === "waiting" ? { ...turn, status: "running" } : turn;
}

/** Note that an attempt began; a newer one begins with an empty text. */
export function begin(turn, frame) {
  const told = { ...isStarted(turn), question_id: frame.question_id ?? turn.question_id };
  return turn.settled ? told : (enter(told, frame.attempt) ?? told);
}

/** Add a piece of text where it belongs. */
export function addText(turn, frame, now) {
  const entered = turn.settled ? null : enter(isStarted(turn), frame.attempt);
  if (entered === null) return turn;
  return closeGap({ ...entered, held: [...entered.held, { offset: frame.offset, text: frame.text }] }, now);
}

/** Take a snapshot's text up to its own end; beyond it the page may know more. */
function overlay(turn, frame, now) {
  const entered = turn.settled ? null : enter(turn, frame.attempt);
  if (entered === null) return turn;
  if (frame.offset > entered.length) return addText(entered, frame, now);
  const known = [...entered.text];
  const told = [...frame.text];
  const points = [...known.slice(0, frame.offset), ...told, ...known.slice(frame.offset + told.length)];
  const length = points.length;
  // What is still held beyond lies behind another gap, which begins now.
  const gap_since = length === entered.length ? entered.gap_since : null;
  return closeGap({ ...entered, text: points.join(""), length, gap_since }, now);
}

/** Apply the answer to `turn.resume`. */
export function applySnapshot(turn, frame, now) {
  const told = (frame.tools ?? []).reduce(withTool, {
    ...turn,
    question_id: frame.question_id ?? turn.question_id,
    status: frame.status ?? turn.status,
    approvals: frame.approvals ?? turn.approvals,
  });
  if (!Object.hasOwn(ENDINGS, told.status)) return overlay(told, frame, now);
  return end(frame.response ? settle(told, frame.response) : overlay(told, frame, now), told.status);
}

/** Take the whole text from `response` or from the store: it settles every doubt. */
export function settle(turn, answer) {
  const text = answer.content ?? "";
  const settled = {
    ...isStarted(turn),
    question_id: answer.question_id ?? turn.question_id,
    seq: answer.seq ?? turn.seq,
    attempt: answer.attempt ?? turn.attempt,
    text,
    length: [...text].length,
    held: [],
    gap_since: null,
    settled: true,
    response: answer,
  };
  return (answer.tool_feedback ?? []).reduce((known, tool) => withTool(known, { ...tool, finished: true }), settled);
}

/** End the turn; an ending that carries the text settles it, too. */
export function end(turn, status, frame = {}) {
  const last = typeof frame.content === "string" ? settle(turn, { ...turn.response, ...frame }) : turn;
  return { ...last, status: ENDINGS[status], ended: true, approvals: [], held: [], gap_since: null, error: frame.error ?? last.error };
}

/** End a turn whose answer is meant for others. */
export function withhold(turn) {
  return { ...startOver(turn, turn.attempt), status: "withheld", settled: true, ended: true, approvals: [] };
}

/** Settle and end a turn from its stored answer. */
export function fromStore(turn, message) {
  if (message.withheld) return { ...withhold(turn), question_id: message.question_id ?? turn.question_id, seq: message.seq };
  const told = end(settle(turn, message), message.status);
  return told.status === "failed" ? told : { ...told, error: null };
}

function withTool(turn, told) {
  const known = turn.tools.find((tool) => tool.call_id === told.call_id);
  const finished = Boolean(known?.finished || told.finished || told.outcome);
  const merged = known === undefined ? { ...told, finished } : { ...known, ...told, finished };
  const tools = known === undefined ? [...turn.tools, merged] : turn.tools.map((tool) => (tool === known ? merged : tool));
  return { ...turn, tools };
}

/** Show a tool call: begun, under way, or finished; frames may come in any order, the asker's with arguments as a second one. */
export function applyTool(turn, frame) {
  const { type, turn_id: _turn, conversation_id: _conversation, session_id: _session, group_id: _group, ...told } = frame;
  return withTool(isStarted(turn), { ...told, finished: type === "tool.finished" });
}

/** Ask the person for leave, once per call. */
export function askApproval(turn, frame) {
  const others = turn.approvals.filter((approval) => approval.call_id !== frame.call_id);
  return { ...turn, approvals: [...others, frame], status: "awaiting_approval" };
}

/** Take an answered question off the page. */
export function resolveApproval(turn, frame) {
  const approvals = turn.approvals.filter((approval) => approval.call_id !== frame.call_id);
  const status = approvals.length === 0 && turn.status === "awaiting_approval" ? "running" : turn.status;
  return { ...turn, approvals, status };
}
