// Wire the page: what is told is reduced and shown; what the reducer asks for is sent or read.

import { createApi } from "./api.js";
import { loadConfig } from "./config.js";
import { confirm } from "./confirm.js";
import { createGroups } from "./groups.js";
import { createLocalPeople } from "./local_people.js";
import { initialState, reduce } from "./reduce.js";
import { createSignIn } from "./sign_in.js";
import { createSocket } from "./socket.js";
import { lastStored, openConversation } from "./timeline.js";
import { createView } from "./view.js";

const TICK_MS = 250;
const RENEW_AGAIN_MS = 30_000;
const LIST_PAUSE_MS = 500;
const TYPING_EVERY_MS = 3_000;
const GROUP_MARK = "group-";
const SESSION_STANDS = new Set(["session.created", "session.updated"]);
const LISTED_ANEW = new Set(["group.added", "group.removed", "member.joined", "member.left"]);
const GROUP_ANEW = new Set(["group.changed", "group.added", "group.removed", "member.joined", "member.left"]);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

const config = await loadConfig();
// Where people come from; Entra's library is loaded only where it signs people in.
const provider = config.entra
  ? await import("./entra.js").then(({ createEntra }) => createEntra(config.entra))
  : createLocalPeople(config.identity);
const signIn = createSignIn(provider);
const api = createApi(config.api, signIn);

let state = initialState();
const unstored = new Set(); // chats that this page began: the store knows nothing that the page does not
const page = { open: chatOfUrl(), session: null, chats: [], groups: [], questions: [], connection: "connecting", loading: false, more: false, ready: false };
const renewed = new Set(); // questions refused for their token, to be asked again with a new one
let drawing = false;
let lastRenewal = -RENEW_AGAIN_MS;
let listing = false;
let chatsRead = 0; // how often the chats were read: an answer that comes late is not shown
let wasConnected = false; // a later connection was not told what happened before it
const deleting = new Set(); // chats that this page deletes itself
let typed = { typing: false, at: 0 };
const read = new Map(); // the last message of each group that was reported as read

const view = createView({
  signIn: enter,
  signOut: leave,
  newChat: () => openChat(newChatId()),
  openChat: (id) => openChat(id),
  deleteChat,
  ask,
  retry: (conversation_id, message_id) => tell({ type: "@retry", conversation_id, message_id }),
  again: (conversation_id, regenerate_of, question_id) =>
    tell({ type: "@again", conversation_id, message_id: crypto.randomUUID(), regenerate_of, question_id }),
  cancel: (turn_id) => send({ type: "query.cancel", turn_id, request_id: turn_id }),
  approve: (turn_id, call_id, approved) => send({ type: "tool.approval", turn_id, call_id, approved }),
  rate: (turn, rating, comment) => send(feedback(turn, rating, comment)),
  rename,
  earlier: readEarlier,
  people: () => groups.showPeople(page.open),
  typing: showTyping,
  dismiss: (index) => {
    state = { ...state, alerts: state.alerts.filter((_alert, at) => at !== index) };
    draw();
  },
});

const groups = createGroups(api, {
  confirm,
  me: () => state.session && { id: state.session.user.id, roles: state.session.roles },
  open: (id) => openChat(id),
  changed: readGroups,
  left: (id) => {
    readGroups();
    if (page.open === id) openChat(newChatId());
    view.say("The group is gone from your list.");
  },
});

const socket = createSocket({
  accessUrl: api.negotiate,
  onFrame: tell,
  onConnected: () => {
    page.ready = false;
    sendSession();
    if (wasConnected) readChats().then(readGroups);
    wasConnected = true;
  },
  onRecovered: () => page.ready && tell({ type: "@recovered" }),
  onState: (connection) => {
    page.connection = connection;
    draw();
  },
});

// ── told → reduced → shown ──

function tell(frame) {
  state = reduce(state, frame, performance.now());
  if (SESSION_STANDS.has(frame.type)) stand();
  for (const wanted of state.sends) wanted.type === "@history" ? readHistory(wanted) : send(wanted);
  follow(frame);
  draw();
}

/** What a frame means beyond the state: the list of chats, the token. */
function follow(frame) {
  if (frame.type === "response.committed" || frame.type === "session.title") readChats();
  if (SESSION_STANDS.has(frame.type)) askAgain();
  if (frame.type === "feedback.saved") view.rated(frame);
  if (LISTED_ANEW.has(frame.type) || (frame.type === "new_message" && isGroup(frame.group_id))) readGroupsSoon();
  if (GROUP_ANEW.has(frame.type)) groups.refresh(frame.group_id);
  if (frame.type === "group.changed" && frame.group_id === page.open) view.say("The title or the rules of this group were changed.");
  if (frame.type === "session.deleted") forget(frame.session_id);
  if (frame.type === "group.removed" && frame.reason !== "archived") groups.gone(frame.group_id);
  if (frame.type === "group.removed" && frame.reason !== "archived" && frame.group_id === page.open) openChat(newChatId());
  if (frame.type === "error" && ["token_expired", "unauthenticated"].includes(frame.code)) renewFor(frame);
}

function draw() {
  if (drawing || signIn.person() === null) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    const conversation = state.conversations.get(page.open) ?? openConversation(page.open);
    const chats = listed(conversation);
    const title = chats.find((chat) => chat.session_id === page.open)?.title ?? conversation.title ?? "New chat";
    view.render({ ...page, chats, title, conversation, session: state.session, alerts: state.alerts, person: signIn.person() });
    groups.renderList(page.groups.map(asKnown), page.open);
    markRead(conversation);
  });
}

/** A group of the list, as it was changed since the list was read. */
function asKnown(group) {
  const { title = group.title, owner = group.owner } = state.conversations.get(group.group_id) ?? {};
  return { ...group, title, owner };
}

/** The stored chats, with the open one on top while it is too young to be among them. */
function listed(conversation) {
  const named = page.chats.map((chat) => ({
    session_id: chat.session_id,
    title: state.conversations.get(chat.session_id)?.title ?? chat.title ?? null,
  }));
  const [first] = conversation.questions;
  if (first === undefined || isGroup(page.open) || named.some((chat) => chat.session_id === page.open)) return named;
  return [{ session_id: page.open, title: conversation.title ?? first.content.slice(0, 80) }, ...named];
}

// ── asked → sent or read ──

/** Send when a session stands; what is not sent now is asked for again by the reducer when one does. */
async function send(message) {
  if (!page.ready || page.connection !== "online") return;
  try {
    await socket.send(message);
  } catch (fault) {
    // A lost connection is no refusal: the question goes out again when the socket is back.
    if (fault.errorDetail && message.type === "query") tell({ type: "@unsent", message_id: message.message_id });
  }
}

/** Relayed to the others of a group; the service drops what comes more often. */
function showTyping(typing) {
  const now = performance.now();
  if (!isGroup(page.open) || (typing === typed.typing && (!typing || now - typed.at < TYPING_EVERY_MS))) return;
  typed = { typing, at: now };
  send({ type: "typing", group_id: page.open, typing });
}

/** What stands on the visible page of a group is read, up to its last message. */
function markRead(conversation) {
  const message_id = conversation.kind === "group" && page.ready && !document.hidden ? lastStored(conversation) : null;
  if (message_id === null || read.get(page.open) === message_id) return;
  read.set(page.open, message_id);
  send({ type: "message.read", conversation_id: page.open, message_id });
}

/** A session stands on this connection: a group that is open is heard from its `join_group` on. */
function stand() {
  page.ready = true;
  if (isGroup(page.open)) send({ type: "join_group", group_id: page.open });
}

function sendSession() {
  const { timeZone: timezone } = Intl.DateTimeFormat().resolvedOptions();
  page.session ??= crypto.randomUUID();
  const message = { type: "session.update", session_id: page.session, accessToken: signIn.token(), timezone, locale: navigator.language };
  // A connection that breaks here is reported by the client, and the next one begins with this message again.
  socket.send(message).catch(() => {});
}

function ask(content) {
  const asked = { conversation_id: page.open, message_id: crypto.randomUUID(), content, created_at: new Date().toISOString() };
  tell({ type: "@ask", ...asked });
  requestAnimationFrame(() => view.scrollToEnd());
}

/** A token was refused: fetch another one, but not again and again where the server takes none of this person's. */
async function renewFor({ in_reply_to, message_id, request_id }) {
  if (performance.now() - lastRenewal < RENEW_AGAIN_MS) return;
  lastRenewal = performance.now();
  if (in_reply_to === "query") renewed.add(message_id ?? request_id);
  await attempt(() => signIn.renew());
}

function askAgain() {
  const refused = [...state.conversations.values()].flatMap(({ conversation_id, questions }) =>
    questions
      .filter(({ message_id, status }) => status === "refused" && renewed.has(message_id))
      .map(({ message_id }) => ({ type: "@retry", conversation_id, message_id })),
  );
  for (const retry of refused.filter(({ message_id }) => renewed.delete(message_id))) tell(retry);
}

function feedback({ conversation_id, response }, rating, comment) {
  const told = { type: "feedback", conversation_id, message_id: response.message_id, rating };
  return comment ? { ...told, comment } : told;
}

async function rename(title) {
  await attempt(async () => {
    const told = await api.rename(page.open, title);
    tell({ type: "session.title", conversation_id: told.session_id, ...told });
  });
}

/** Ask, and delete a chat; whoever deleted it before, it is gone. */
async function deleteChat(id, title) {
  const isDone = await confirm({
    title: "Delete this chat?",
    words: `“${title}” and all that was said in it will be deleted for good.`,
    go: "Delete",
    busy: "Deleting…",
    work: async () => {
      deleting.add(id);
      try {
        await api.deleteSession(id).catch(ifGone);
        tell({ type: "session.deleted", conversation_id: id, session_id: id });
      } finally {
        deleting.delete(id);
      }
    },
  });
  if (isDone) view.say("The chat was deleted.");
  return isDone;
}

function ifGone(refusal) {
  if (refusal.code !== "not_found") throw refusal;
}

/** A chat was deleted, here or on another page of the person. */
function forget(id) {
  const title = page.chats.find((chat) => chat.session_id === id)?.title;
  page.chats = page.chats.filter((chat) => chat.session_id !== id);
  readChats();
  if (page.open !== id) return;
  openChat(newChatId());
  if (!deleting.has(id)) tell({ type: "notice", code: "chat_deleted", text: title ? `The chat “${title}” was deleted.` : "This chat was deleted." });
}

async function readHistory({ conversation_id, after_seq }) {
  await attempt(async () => {
    for (let after = after_seq; after !== null; ) {
      const { items, last_seq } = await api.messages(conversation_id, { after_seq: after }, listOf(conversation_id));
      tell({ type: "@history", conversation_id, items });
      const reached = Math.max(after, ...items.map((message) => message.seq));
      after = items.length > 0 && reached < last_seq ? reached : null;
    }
  });
}

async function readEarlier() {
  const first = state.conversations.get(page.open)?.questions.find((question) => question.seq !== null);
  if (first === undefined) return;
  await attempt(async () => {
    const { items } = await api.messages(page.open, { before_seq: first.seq }, listOf(page.open));
    page.more = items.length > 0 && items[0].seq > 1;
    tell({ type: "@history", conversation_id: page.open, items });
  });
}

/** Suggestions are a courtesy: without them the page has its own. */
async function readQuestions() {
  page.questions = await api.questions().catch(() => []);
  draw();
}

async function readChats() {
  const mine = ++chatsRead;
  await attempt(async () => {
    const chats = await api.sessions();
    if (mine === chatsRead) page.chats = chats;
    draw();
  });
}

async function readGroups() {
  await attempt(async () => {
    page.groups = await api.groups();
    for (const group of page.groups) state = reduce(state, { ...group, type: "@group" }, performance.now());
    draw();
  });
}

/** After a burst of messages the list is read once. */
function readGroupsSoon() {
  if (listing) return;
  listing = true;
  setTimeout(() => {
    listing = false;
    readGroups();
  }, LIST_PAUSE_MS);
}

/** Do what may fail at the API, and tell the person when it does. */
async function attempt(work) {
  try {
    await work();
  } catch (fault) {
    const { code = "internal", message, correlation_id } = fault;
    tell({ type: "error", in_reply_to: "rest", code, message, correlation_id, retryable: true });
  }
}

// ── chats and people ──

function isGroup(id) {
  return state.conversations.get(id)?.kind === "group";
}

function listOf(id) {
  return isGroup(id) ? "groups" : "sessions";
}

function chatOfUrl() {
  const wanted = location.hash.slice(1).replace(GROUP_MARK, "");
  if (!UUID.test(wanted)) return newChatId();
  if (location.hash.startsWith(`#${GROUP_MARK}`)) state = reduce(state, { type: "@group", group_id: wanted }, performance.now());
  return wanted;
}

function newChatId() {
  const id = crypto.randomUUID();
  unstored.add(id);
  return id;
}

async function openChat(id) {
  const isRead = (state.conversations.get(id)?.last_seq ?? 0) > 0;
  Object.assign(page, { open: id, more: false, loading: !unstored.has(id) && !isRead });
  if (!isGroup(id)) page.session = id;
  history.replaceState(null, "", `#${isGroup(id) ? GROUP_MARK : ""}${id}`);
  draw();
  if (page.ready) isGroup(id) ? stand() : sendSession();
  if (unstored.has(id)) return;
  await attempt(() => readNewest(id));
  page.loading = false;
  draw();
}

/** The newest page of a chat; one that was opened and never asked anything has none. */
async function readNewest(id) {
  try {
    const { items, last_seq } = await api.messages(id, {}, listOf(id));
    if (page.open === id) page.more = items.length > 0 && items[0].seq > 1;
    tell({ type: "@history", conversation_id: id, items });
    const reached = items.at(-1)?.seq ?? last_seq;
    if (reached < last_seq) await readHistory({ conversation_id: id, after_seq: reached });
  } catch (fault) {
    if (fault.code !== "not_found") throw fault;
  }
}

async function enter(person) {
  try {
    await signIn.signIn(person);
    run();
  } catch {
    await showSignIn("The sign-in cannot be reached. Please try again.");
  }
}

function leave() {
  socket.close();
  // A new page knows nothing of the person who left.
  Promise.resolve(signIn.signOut()).finally(() => location.replace(location.pathname));
}

async function showSignIn(fault) {
  try {
    view.showSignIn(await signIn.people(), fault);
  } catch {
    view.showSignIn([], "The sign-in cannot be reached. Please reload the page.");
  }
}

function run() {
  signIn.onRenewed(() => page.connection === "online" && sendSession());
  setInterval(() => state.conversations.size > 0 && tickOpenTurns(), TICK_MS);
  addEventListener("hashchange", () => {
    const wanted = chatOfUrl();
    if (wanted !== page.open) openChat(wanted);
  });
  openChat(page.open);
  readChats();
  readGroups();
  readQuestions();
  socket.start();
}

function tickOpenTurns() {
  const all = [...state.conversations.values()];
  const open = all.some(({ turns, typing = [] }) => typing.length > 0 || [...turns.values()].some((turn) => !turn.ended));
  if (open) tell({ type: "@tick" });
}

if (signIn.person() === null) await showSignIn();
else run();
