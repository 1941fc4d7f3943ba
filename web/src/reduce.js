// What the page knows, as a pure function of what it was told: (state, frame, now) → state.
//
// Frames are those of the wire; types that begin with @ are the page's own: @ask, @again, @retry, @unsent, @history,
// @group, @recovered, @tick. `state.sends` is what the last step asks the page to do: wire messages to send, or
// {type: "@history"} to read a conversation from the store.

import * as room from "./room.js";
import { inOrder, openConversation, storedQuestion, withQuestion } from "./timeline.js";
import * as turns from "./turn.js";

/** A gap in the text that stands so long is asked for (rule 6 of the wire). */
export const GAP_MS = 1_000;
/** A turn that is silent so long is asked for: its last frame may have been lost with a connection. */
export const SILENCE_MS = 30_000;

/** What a page knows when it has been told nothing. */
export function initialState() {
  return { conversations: new Map(), session: null, alerts: [], sends: [], forgotten: new Set() };
}

/**
 * Take one frame in. Frames of a type that this page does not know change nothing.
 * @param {object} state
 * @param {{type: string}} frame
 * @param {number} now milliseconds
 */
export function reduce(state, frame, now) {
  const step = STEPS.get(frame.type);
  const quiet = { ...state, sends: [] };
  return step === undefined ? quiet : step(quiet, frame, now);
}

// ── the parts of the state ──

function conversationOf(frame) {
  return frame.conversation_id ?? frame.session_id ?? frame.group_id;
}

function changeConversation(state, id, change) {
  const known = state.conversations.get(id) ?? openConversation(id);
  const conversations = new Map(state.conversations).set(id, change(known));
  return { ...state, conversations };
}

function changeTurn(state, frame, now, change) {
  return changeConversation(state, conversationOf(frame), (conversation) => {
    const known = conversation.turns.get(frame.turn_id) ?? turns.openTurn(frame.turn_id, conversationOf(frame), now);
    const changed = { ...change(known), heard: now };
    return { ...conversation, turns: new Map(conversation.turns).set(frame.turn_id, changed) };
  });
}

function findTurn(state, frame) {
  return state.conversations.get(conversationOf(frame))?.turns.get(frame.turn_id);
}

function asking(state, ...sends) {
  return { ...state, sends: [...state.sends, ...sends] };
}

function history(conversationId, afterSeq = 0) {
  return { type: "@history", conversation_id: conversationId, after_seq: afterSeq };
}

function resume(turn) {
  const { turn_id, conversation_id, attempt, length: offset } = turn;
  const known = attempt > 0 ? { attempt, offset } : {};
  // A refusal repeats request_id, which is how this page learns which turn it is about; the wire allows 64 characters.
  return { type: "turn.resume", request_id: turn_id.slice(0, 64), turn_id, conversation_id, ...known };
}

function query(question, conversation) {
  const { message_id, content } = question;
  const where = conversation.kind === "group" ? "group_id" : "session_id";
  return { type: "query", request_id: message_id, [where]: conversation.conversation_id, message_id, content };
}

// ── frames of a turn ──

// After its end a turn takes nothing more, but for what settles a text that was never settled: no order is
// promised between frames, so that `response` may come after `response.committed`.
const SETTLING = new Set(["response", "response.snapshot"]);

function turnStep(change) {
  return (state, frame, now) => {
    if (!conversationOf(frame) || !frame.turn_id || state.forgotten.has(frame.turn_id)) return state;
    const known = findTurn(state, frame);
    if (known?.ended && (known.settled || !SETTLING.has(frame.type))) return state;
    const next = changeTurn(state, frame, now, (turn) => kept(turn, change(turn, frame, now)));
    const turn = findTurn(next, frame);
    const inDoubt = turn.ended && !turn.settled && !known?.ended;
    return inDoubt ? asking(next, history(turn.conversation_id)) : next;
  };
}

/** What ended stays ended, whatever a late frame says. */
function kept(before, after) {
  return before.ended ? { ...after, ended: true, status: before.status } : after;
}

function onAccepted(state, frame, now) {
  const id = conversationOf(frame);
  const told = { message_id: frame.message_id, turn_id: frame.turn_id ?? null, status: "stored", error: null };
  const known = state.conversations.get(id)?.questions.some((question) => question.message_id === frame.message_id);
  const stored = known ? changeConversation(state, id, (conversation) => withQuestion(conversation, told)) : state;
  if (!frame.turn_id) return stored;
  // Another answer belongs to the question that was asked, which its wish names by an id of its own.
  const again = state.conversations.get(id)?.again?.[frame.message_id];
  return changeTurn(stored, frame, now, (turn) => ({ ...turn, question_id: turn.question_id ?? again ?? frame.message_id }));
}

// ── messages of the store ──

function takeMessage(state, message, now) {
  if (message.author === "assistant") return changeTurn(state, message, now, (turn) => turns.fromStore(turn, message));
  const id = conversationOf(message);
  return changeConversation(state, id, (conversation) => withQuestion(conversation, storedQuestion(message)));
}

function onNewMessage(state, frame, now) {
  const taken = takeMessage(state, frame, now);
  if (frame.author === "assistant" || !frame.turn_id) return taken;
  return changeTurn(taken, frame, now, (turn) => ({ ...turn, question_id: turn.question_id ?? frame.message_id }));
}

function onHistory(state, frame, now) {
  const taken = frame.items.reduce((told, message) => takeMessage(told, message, now), state);
  const last = Math.max(0, ...frame.items.map((message) => message.seq));
  // Only the store moves last_seq: a live message says nothing of those before it.
  return changeConversation(taken, frame.conversation_id, (conversation) => ({
    ...inOrder(conversation),
    last_seq: Math.max(conversation.last_seq, last),
  }));
}

// ── what the person does ──

function onAsk(state, frame) {
  const { message_id, content, created_at = null } = frame;
  const question = { message_id, content, seq: null, turn_id: null, sender: null, created_at, status: "sending", error: null };
  const next = changeConversation(state, frame.conversation_id, (conversation) => withQuestion(conversation, question));
  return asking(next, query(question, next.conversations.get(frame.conversation_id)));
}

function onAgain(state, frame) {
  const { conversation_id: id, message_id, regenerate_of, question_id } = frame;
  const next = changeConversation(state, id, (known) => ({ ...known, again: { ...known.again, [message_id]: question_id } }));
  const { content: _none, ...wish } = query({ message_id }, next.conversations.get(id));
  return asking(next, { ...wish, regenerate_of });
}

function onRetry(state, frame) {
  const id = frame.conversation_id;
  const told = { message_id: frame.message_id, status: "sending", error: null };
  const next = changeConversation(state, id, (conversation) => withQuestion(conversation, told));
  return asking(next, ...unsent(next, id).filter((send) => send.message_id === frame.message_id));
}

function unsent(state, id) {
  const conversation = state.conversations.get(id);
  const questions = conversation?.questions ?? [];
  return questions.filter((question) => question.status === "sending").map((question) => query(question, conversation));
}

function refuse(state, messageId, error) {
  // A question that is stored already cannot be refused any more.
  const isIt = (question) => question.message_id === messageId && question.status === "sending";
  const id = [...state.conversations.values()].find((known) => known.questions.some(isIt))?.conversation_id;
  if (id === undefined) return error.type === "error" && isAgain(state, messageId) ? alert(state, error) : state;
  const told = { message_id: messageId, status: "refused", error };
  return changeConversation(state, id, (conversation) => withQuestion(conversation, told));
}

function isAgain(state, messageId) {
  return [...state.conversations.values()].some(({ again = {} }) => Object.hasOwn(again, messageId));
}

// ── the session and its connection ──

function openTurns(state) {
  return [...state.conversations.values()].flatMap((conversation) =>
    [...conversation.turns.values()].filter((turn) => !turn.ended),
  );
}

function unsentAnywhere(state) {
  return [...state.conversations.keys()].flatMap((id) => unsent(state, id));
}

function onSession(told, frame, now) {
  const id = frame.session_id;
  const state = frame.resumed === false ? begunAnew(told, id) : told;
  const opened = changeConversation({ ...state, session: frame }, id, (conversation) => ({
    ...conversation,
    title: frame.title ?? conversation.title,
  }));
  const next = standing(opened, id, frame, now);
  // A group takes nothing before it was joined on this connection: `group.joined` goes on there.
  const own = [...next.conversations.values()].filter(({ kind }) => kind !== "group");
  return asking(next, ...doubtful(next, own, frame), ...own.flatMap((conversation) => unsent(next, conversation.conversation_id)));
}

function onGroup(state, frame, now) {
  const id = frame.group_id;
  const joined = changeConversation(state, id, (conversation) => room.asGroup(conversation, frame));
  const next = standing(joined, id, frame, now);
  return asking(next, ...doubtful(next, [next.conversations.get(id)], frame), ...unsent(next, id));
}

/** How a conversation stands now: turns that run or wait, and what is stored beyond what the page has. */
function standing(state, id, { active_turn: active = null, waiting = [], approvals = [], last_seq = 0 }, now) {
  const here = { conversation_id: id };
  let next = state;
  for (const turnId of waiting) next = changeTurn(next, { ...here, turn_id: turnId }, now, (turn) => turn);
  if (active) next = changeTurn(next, { ...here, ...active }, now, (turn) => activeTurn(turn, active));
  for (const approval of approvals) next = changeTurn(next, { ...here, ...approval }, now, (turn) => turns.askApproval(turn, approval));
  const known = next.conversations.get(id).last_seq;
  return last_seq > known ? asking(next, history(id, known)) : next;
}

/** What ran when the connection was lost may have ended since: the store or a snapshot tells. */
function doubtful(state, conversations, { active_turn: active = null, waiting = [] }) {
  const ids = new Set(conversations.map(({ conversation_id }) => conversation_id));
  const open = openTurns(state).filter((turn) => ids.has(turn.conversation_id));
  return open.filter((turn) => turn.turn_id === active?.turn_id || !waiting.includes(turn.turn_id)).map(resume);
}

function activeTurn(turn, active) {
  if (turn.ended) return turn;
  return { ...turn, question_id: turn.question_id ?? active.question_id ?? null, status: active.status ?? "running" };
}

function onRecovered(state) {
  return asking(state, ...openTurns(state).map(resume), ...unsentAnywhere(state));
}

/** Forget who stopped writing without a word. */
function overTyping(state, now) {
  const quiet = [...state.conversations.values()].filter(({ typing = [] }) => typing.some((one) => now - one.at >= room.TYPING_MS));
  return quiet.reduce((told, { conversation_id }) => changeConversation(told, conversation_id, (known) => room.stillTyping(known, now)), state);
}

function onTick(state, _frame, now) {
  const due = openTurns(state).filter((turn) =>
    (turn.gap_since !== null && now - turn.gap_since >= GAP_MS) || now - turn.heard >= SILENCE_MS,
  );
  state = overTyping(state, now);
  const asked = (told, turn) => changeTurn(told, turn, now, (known) => ({ ...known, gap_since: known.gap_since === null ? null : now }));
  return asking(due.reduce(asked, state), ...due.map(resume));
}

// ── refusals and notices ──

function onError(state, frame, now) {
  // A refusal names what it refuses by its id, or by the request_id that this page gave the same value.
  const message_id = frame.message_id ?? frame.request_id;
  const turn_id = frame.turn_id ?? frame.request_id;
  if (frame.in_reply_to === "query" && message_id) return refuse(state, message_id, frame);
  if (frame.in_reply_to === "turn.resume" && frame.code === "not_found") return lost(state, turn_id, frame, now);
  return alert(state, frame);
}

/** What is told again replaces what was told before. */
function alert(state, frame) {
  const others = state.alerts.filter((known) => known.type !== frame.type || known.code !== frame.code);
  return { ...state, alerts: [...others, frame] };
}

/** The turn is not known to the server any more: the store has the last word. */
function lost(state, turnId, error, now) {
  const turn = openTurns(state).find((candidate) => resume(candidate).request_id === turnId || candidate.turn_id === turnId);
  if (turn === undefined) return state;
  const ended = changeTurn(state, turn, now, (known) => turns.end(known, "failed", { error }));
  return asking(ended, history(turn.conversation_id));
}

function onNotice(state, frame, now) {
  if (!frame.turn_id) return alert(state, frame);
  return turnStep((turn) => ({ ...turn, notices: [...turn.notices, frame] }))(state, frame, now);
}

/** What is told of a group whose messages this page shows; of another one the list of groups tells. */
function groupStep(change) {
  return (state, frame, now) => {
    if (!state.conversations.has(frame.group_id)) return state;
    return changeConversation(state, frame.group_id, (conversation) => change(conversation, frame, now));
  };
}

function onTitle(state, frame) {
  return changeConversation(state, frame.session_id, (conversation) => ({ ...conversation, title: frame.title }));
}

/** Forget a conversation, and its turns for good: a late frame of one of them brings nothing back. */
function onDeleted(state, { session_id }) {
  const conversations = new Map(state.conversations);
  const turnIds = conversations.get(session_id)?.turns.keys() ?? [];
  conversations.delete(session_id);
  return { ...state, conversations, forgotten: new Set([...state.forgotten, ...turnIds]) };
}

/** Of what the page read from the store nothing is stored any more: it was deleted while this page was away. */
function begunAnew(state, id) {
  const { last_seq = 0, questions = [] } = state.conversations.get(id) ?? {};
  if (last_seq === 0) return state;
  const unsaid = questions.filter((question) => question.status === "sending");
  return changeConversation(onDeleted(state, { session_id: id }), id, (anew) => unsaid.reduce(withQuestion, anew));
}

const STEPS = new Map([
  ["session.created", onSession],
  ["session.updated", onSession],
  ["session.title", onTitle],
  ["session.deleted", onDeleted],
  ["group.joined", onGroup],
  ["group.changed", groupStep(room.withRules)],
  ["group.removed", groupStep(room.lost)],
  ["member.joined", groupStep(room.withMember)],
  ["member.left", groupStep(room.withoutMember)],
  ["presence", groupStep(room.withPresence)],
  ["typing", groupStep(room.withTyping)],
  ["response.withheld", turnStep(turns.withhold)],
  ["query.accepted", onAccepted],
  ["new_message", onNewMessage],
  ["response.started", turnStep(turns.begin)],
  ["response.delta", turnStep(turns.addText)],
  ["response.snapshot", turnStep(turns.applySnapshot)],
  ["response", turnStep(turns.settle)],
  ["response.committed", turnStep((turn) => turns.end(turn, "done"))],
  ["response.cancelled", turnStep((turn, frame) => turns.end(turn, "cancelled", frame))],
  ["response.failed", turnStep((turn, frame) => turns.end(turn, "failed", frame))],
  ["tool.started", turnStep(turns.applyTool)],
  ["tool.progress", turnStep(turns.applyTool)],
  ["tool.finished", turnStep(turns.applyTool)],
  ["tool.approval_required", turnStep(turns.askApproval)],
  ["tool.approval_resolved", turnStep(turns.resolveApproval)],
  ["notice", onNotice],
  ["error", onError],
  ["@ask", onAsk],
  ["@again", onAgain],
  ["@retry", onRetry],
  ["@unsent", (state, frame) => refuse(state, frame.message_id, { code: "internal", retryable: true })],
  ["@group", (state, frame) => changeConversation(state, frame.group_id, (conversation) => room.asGroup(conversation, frame))],
  ["@history", onHistory],
  ["@recovered", onRecovered],
  ["@tick", onTick],
]);
