// Questions and answers on the page: made once, then changed where the state changed.

import { isChart } from "./charts.js";
import { addTableTools, chartFigure, releaseCharts } from "./figures.js";
import { toNodes } from "./markdown.js";
import { showRated, updateRating } from "./rating.js";
import { runningTurn, timeline } from "./timeline.js";
import { durationWords, errorWords, outcomeWords, referenceWords, waitingWords } from "./words.js";

/** Make an element with text content and attributes; markup never comes from a string. */
export function element(tag, { text, ...attributes } = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(name, value);
  }
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
}

/** Change the text only when it differs: what is read aloud is not read again. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * A transcript in `root`.
 * @param {HTMLElement} root
 * @param {{retry: Function, again: Function, approve: Function, cancel: Function}} actions
 */
export function createTranscript(root, actions) {
  let shown = new Map();

  /** A node under its key; made once, changed only when one of its values is another one. */
  function part(key, make, update, ...values) {
    const { node, values: old } = shown.get(key) ?? { node: make(), values: [] };
    if (values.some((value, index) => value !== old[index])) update(node, ...values);
    return [key, { node, values }];
  }

  return {
    /** Show a conversation; nodes of what did not change are left alone. */
    render(conversation, connection, me) {
      const activeId = runningTurn(conversation)?.turn_id;
      const lastId = lastOwn(conversation, me);
      const parts = timeline(conversation).flatMap(({ question, turns }) => [
        ...(question === null ? [] : [part(`q:${question.message_id}`, makeQuestion, updateQuestion(actions, conversation, me), question, connection, me)]),
        ...turns.map((turn) => part(`t:${turn.turn_id}`, makeAnswer, updateAnswer(actions), turn, turn.turn_id === activeId, turn.turn_id === lastId)),
      ]);
      shown = new Map(parts);
      arrange(root, parts.map(([, { node }]) => node));
    },
    /** A rating is stored. */
    rated: (frame) => showRated(root, frame),
    clear() {
      releaseCharts(root);
      shown = new Map();
      root.replaceChildren();
    },
  };
}

/** Put the nodes in order without moving those that stand right: moving would lose selection and focus. */
function arrange(root, nodes) {
  for (const child of [...root.children]) if (!nodes.includes(child)) child.remove();
  nodes.forEach((node, index) => {
    if (root.children[index] !== node) root.insertBefore(node, root.children[index] ?? null);
  });
}

// ── a question ──

function makeQuestion() {
  return element(
    "article",
    { class: "question", "data-testid": "question" },
    element("p", { class: "sender muted", "data-testid": "sender" }),
    element("div", { class: "bubble" }),
    element("p", { class: "note" }),
  );
}

function updateQuestion(actions, conversation, me) {
  return (node, question, connection) => {
    const [sender, bubble, note] = node.children;
    const isOthers = conversation.kind === "group" && question.sender !== null && question.sender.id !== me;
    node.classList.toggle("others", isOthers);
    setText(sender, isOthers ? question.sender.name : "");
    node.dataset.status = question.status;
    setText(bubble, question.content);
    note.replaceChildren(...questionNote(question, connection, () => actions.retry(conversation.conversation_id, question.message_id)));
  };
}

function questionNote(question, connection, retry) {
  if (question.status === "sending") return [connection === "online" ? "Sending…" : "Goes out when the connection is back."];
  if (question.status !== "refused") return [];
  const again = element("button", { type: "button", class: "button quiet", text: "Ask again" });
  again.addEventListener("click", retry);
  const words = element("span", { class: "fault", role: "alert", text: errorWords(question.error) });
  return [words, " ", again];
}

// ── an answer ──

function makeAnswer() {
  return element(
    "article",
    { class: "answer", "data-testid": "answer", "aria-label": "Answer" },
    element("div", { class: "tools" }),
    element("div", { class: "text", "data-testid": "answer-text" }),
    element("div", { class: "figures" }),
    element("div", { class: "approvals" }),
    element("p", { class: "note", "data-testid": "answer-note" }),
    element("p", { class: "more" }),
    element("div", { class: "rating", "data-testid": "rating" }),
  );
}

function updateAnswer(actions) {
  return (node, turn, isNext, isLast) => {
    const [tools, text, figures, approvals, note, more, rating] = node.children;
    node.dataset.status = turn.status;
    node.dataset.ended = String(turn.ended);
    node.dataset.turn = turn.turn_id;
    // Read aloud once it is whole, not piece by piece.
    node.setAttribute("aria-busy", String(!turn.ended && !turn.settled));
    updateTools(tools, turn);
    if (text.dataset.shown !== turn.text) {
      text.dataset.shown = turn.text;
      text.replaceChildren(toNodes(turn.text));
    }
    if (turn.settled) addTableTools(element, text);
    updateChart(figures, turn);
    updateApprovals(approvals, turn, actions);
    note.replaceChildren(...answerNote(turn, isNext, actions));
    more.replaceChildren(...(isLast ? [tryAgain(turn, actions)] : []));
    updateRating(element, rating, turn, actions);
    note.classList.toggle("busy", !turn.ended && !turn.settled && isNext && note.textContent !== "");
  };
}

/** The chart of a settled answer; drawn anew only when it is another one. */
function updateChart(root, turn) {
  const { chart_data: chart, tables } = turn.response ?? {};
  const wanted = isChart(chart) ? JSON.stringify(chart) : "";
  if ((root.dataset.shown ?? "") === wanted) return;
  root.dataset.shown = wanted;
  releaseCharts(root);
  root.replaceChildren(...(wanted === "" ? [] : [chartFigure(element, chart, tables ?? [])]));
}

function answerNote(turn, isNext, actions) {
  const told = turn.notices.flatMap((notice) => [element("span", { class: "notice", text: notice.text }), " "]);
  if (turn.status === "failed") return [...told, ...failure(turn)];
  if (turn.status === "withheld") return [...told, "This answer is for members who hold the group's role."];
  if (turn.status === "cancelled") return [...told, turn.text === "" ? "Stopped before it began." : "Stopped."];
  if (turn.ended) return told;
  if (turn.settled) return [...told, "Saving…"];
  const isLooking = turn.tools.some((tool) => !tool.finished);
  if (turn.text !== "" && turn.status === "running" && !isLooking) return told;
  const words = waitingWords(turn, isNext);
  if (turn.status !== "waiting" || isNext) return [...told, words];
  const cancel = element("button", { type: "button", class: "button quiet", text: "Remove" });
  cancel.addEventListener("click", () => actions.cancel(turn.turn_id));
  return [...told, words, " ", cancel];
}

/** Another answer can be had of the last question, by who asked it, when nothing is at work. */
function lastOwn(conversation, me) {
  const question = conversation.questions.at(-1);
  const mine = question?.status === "stored" && (question.sender?.id ?? me) === me;
  if (!mine || runningTurn(conversation) !== null) return undefined;
  const answers = timeline(conversation).find((entry) => entry.question === question).turns;
  const last = answers.at(-1);
  return last?.response?.message_id ? last.turn_id : undefined;
}

function tryAgain(turn, actions) {
  const button = element("button", { type: "button", class: "button quiet", text: "Another answer", "data-testid": "again" });
  button.addEventListener("click", () => actions.again(turn.conversation_id, turn.response.message_id, turn.question_id));
  return button;
}

function failure(turn) {
  const words = element("span", { class: "fault", role: "alert", "data-testid": "answer-fault", text: `${errorWords(turn.error)} Please ask again.` });
  return [words, " ", element("span", { class: "muted", text: referenceWords(turn.error) })];
}

// ── tools ──

function updateTools(root, turn) {
  const open = new Set([...root.querySelectorAll("details[open]")].map((chip) => chip.dataset.call));
  root.replaceChildren(...turn.tools.map((tool) => toolChip(tool, turn, open.has(tool.call_id))));
}

function toolState(tool, turn) {
  if (tool.finished) return tool.outcome ?? (tool.ok ? "done" : "failed");
  return turn.ended ? "unknown" : "running";
}

function toolChip(tool, turn, open) {
  const state = toolState(tool, turn);
  const took = tool.finished && Number.isFinite(tool.duration_ms) ? durationWords(tool.duration_ms) : "";
  const summary = element(
    "summary",
    {},
    element("span", { class: "dot", "aria-hidden": "true" }),
    element("span", { class: "tool-name", text: `${tool.server} · ${tool.name}` }),
    element("span", { class: "badge", text: state === "running" ? "Running…" : outcomeWords(state) }),
    element("span", { class: "muted", text: took }),
  );
  const facts = [
    tool.summary ?? tool.text,
    tool.as_of ? `As of ${tool.as_of}` : undefined,
    tool.arguments ? JSON.stringify(tool.arguments, null, 2) : undefined,
  ].filter(Boolean);
  const lines = facts.map((fact, index) => element(index > 0 && fact.startsWith("{") ? "pre" : "p", { text: fact }));
  return element("details", { class: "tool", open, "data-testid": "tool", "data-call": tool.call_id, "data-state": state }, summary, ...lines);
}

function updateApprovals(root, turn, actions) {
  root.replaceChildren(...turn.approvals.map((approval) => approvalCard(approval, turn, actions)));
}

function approvalCard(approval, turn, actions) {
  const answer = (approved) => {
    const button = element("button", { type: "button", class: approved ? "button primary" : "button", text: approved ? "Allow" : "Refuse" });
    button.addEventListener("click", () => actions.approve(turn.turn_id, approval.call_id, approved));
    return button;
  };
  return element(
    "section",
    { class: "approval", "data-testid": "approval", "aria-label": "Approval needed" },
    element("p", { text: `The coach wants to run ${approval.server} · ${approval.name}. It changes data.` }),
    element("pre", { text: JSON.stringify(approval.arguments, null, 2) }),
    element("div", { class: "row" }, answer(true), answer(false)),
  );
}
