// The page around the transcript: sign-in, chats, header, composer, alerts.

import { renderNaming, wireNaming } from "./naming.js";
import { writers } from "./room.js";
import { runningTurn } from "./timeline.js";
import { row, showLines } from "./rows.js";
import { createTranscript, element, setText } from "./transcript.js";
import { composerWords, connectionWords, errorWords, firstQuestions, membersWords, referenceWords } from "./words.js";

const CONTENT_LIMIT_BYTES = 32 * 1024;
const NEAR_END_PX = 80;
const WITH_SAMPLES = "Sign in as one of the sample people of this local stack.";
const WITH_ENTRA = "Sign in with the account of your organisation.";

/**
 * The page, which shows a model and reports what the person does.
 * @param {object} actions signIn signOut newChat openChat deleteChat ask retry cancel approve earlier people typing dismiss
 */
export function createView(actions) {
  const at = (id) => document.getElementById(id);
  const transcript = createTranscript(at("transcript"), actions);
  let shownChat = null;

  wireComposer(at, actions);
  wireSidebar(at, actions);
  wireNaming(at, actions);
  at("sign-in-go").addEventListener("click", () => actions.signIn());
  at("earlier").addEventListener("click", () => actions.earlier());
  at("members").addEventListener("click", () => actions.people());

  return {
    /** Show whom to choose from; without a list, the button that goes to the organisation's sign-in. */
    showSignIn(people, fault) {
      at("app").hidden = true;
      at("sign-in").hidden = false;
      at("sign-in-words").textContent = people === null ? WITH_ENTRA : WITH_SAMPLES;
      at("sign-in-go").hidden = people !== null;
      at("people").replaceChildren(...(people ?? []).map((person) => personItem(person, actions)));
      showFault(at("sign-in-fault"), fault);
    },
    /** Show what is known: the signed-in person, the chats, the open conversation, the connection. */
    render(model) {
      at("sign-in").hidden = true;
      at("app").hidden = false;
      const opened = shownChat !== model.open;
      const follow = opened || isNearEnd(at("scroller"));
      if (opened) {
        transcript.clear();
        at("question").focus();
      }
      shownChat = model.open;
      renderAround(at, model, actions);
      transcript.render(model.conversation, model.connection, model.session?.user.id ?? null);
      if (follow) at("scroller").scrollTop = at("scroller").scrollHeight;
    },
    rated: (frame) => transcript.rated(frame),
    /** Say something to those who hear the page. */
    say: (words) => {
      at("said").textContent = words;
    },
    scrollToEnd() {
      at("scroller").scrollTop = at("scroller").scrollHeight;
    },
  };
}

function renderAround(at, model, actions) {
  renderPerson(at, model);
  renderChats(at("chats"), model, actions);
  renderHeader(at, model);
  renderNaming(at, model);
  renderWelcome(at, model, actions);
  renderComposer(at, model);
  renderAlerts(at("alerts"), model.alerts, actions);
}

function isNearEnd(scroller) {
  return scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR_END_PX;
}

function showFault(node, fault) {
  node.hidden = fault === undefined;
  setText(node, fault ?? "");
}

// ── sign-in ──

function personItem(person, actions) {
  const roles = person.roles.length > 0 ? person.roles.join(", ") : "no role";
  const button = element(
    "button",
    { type: "button", class: "person-button", "data-testid": "person", "data-user": person.user },
    element("strong", { text: person.name }),
    element("span", { class: "muted", text: roles }),
  );
  button.addEventListener("click", () => actions.signIn(person));
  return element("li", {}, button);
}

// ── sidebar ──

function wireSidebar(at, actions) {
  const show = (open) => {
    at("sidebar").classList.toggle("open", open);
    at("veil").hidden = !open;
    at("menu").setAttribute("aria-expanded", String(open));
    if (open) at("new-chat").focus();
  };
  at("menu").addEventListener("click", () => show(!at("sidebar").classList.contains("open")));
  at("veil").addEventListener("click", () => show(false));
  at("chats").addEventListener("click", (event) => event.target.closest(".chat") && show(false));
  at("sidebar").addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    show(false);
    at("menu").focus();
  });
  at("new-chat").addEventListener("click", () => {
    show(false);
    actions.newChat();
  });
  at("sign-out").addEventListener("click", () => actions.signOut());
}

function renderPerson(at, { person, session }) {
  const roles = session?.roles ?? [];
  setText(at("person-name"), person.name);
  setText(at("person-role"), session === null ? "" : roles.length > 0 ? roles.join(", ") : "No role");
}

function renderChats(root, { chats, open }, actions) {
  const wanted = JSON.stringify([chats, open]);
  if (root.dataset.shown === wanted) return;
  root.dataset.shown = wanted;
  showLines(root, chats.map((chat) => chatItem(chat, chat.session_id === open, actions)));
}

function chatItem(chat, current, actions) {
  const title = chat.title || "Untitled chat";
  const button = element("button", {
    type: "button",
    class: "chat",
    "data-testid": "chat",
    "data-session": chat.session_id,
    "aria-current": current ? "page" : null,
    text: title,
    title,
  });
  button.addEventListener("click", () => actions.openChat(chat.session_id));
  return row(button, { icon: "delete", label: `Delete chat: ${title}`, key: chat.session_id, take: () => actions.deleteChat(chat.session_id, title) });
}

// ── header and empty chat ──

function renderHeader(at, { title, connection, conversation }) {
  at("members").hidden = conversation.kind !== "group";
  setText(at("members"), membersWords(conversation));
  const names = writers(conversation);
  at("writers").hidden = names.length === 0;
  setText(at("writers"), names.length === 0 ? "" : `${names.join(", ")} ${names.length === 1 ? "is" : "are"} writing…`);
  setText(at("title"), title);
  document.title = title === "New chat" ? "SalesCoach" : `${title} · SalesCoach`;
  at("status").dataset.state = connection;
  setText(at("status"), connectionWords(connection));
}

function renderWelcome(at, { conversation, session, questions: learned, loading, more }, actions) {
  const empty = conversation.questions.length === 0 && conversation.turns.size === 0;
  at("welcome").hidden = !empty || loading;
  at("earlier").hidden = !more;
  const questions = firstQuestions(session, learned);
  const root = at("suggestions");
  if (root.dataset.shown === questions.join("|")) return;
  root.dataset.shown = questions.join("|");
  root.replaceChildren(
    ...questions.map((question) => {
      const button = element("button", { type: "button", class: "suggestion", "data-testid": "suggestion", text: question });
      // In a group the coach answers who calls it.
      button.addEventListener("click", () => actions.ask(document.body.dataset.kind === "group" ? `@coach ${question}` : question));
      return button;
    }),
  );
}

// ── composer and alerts ──

function wireComposer(at, actions) {
  const field = at("question");
  const grow = () => {
    field.style.height = "auto";
    field.style.height = `${field.scrollHeight}px`;
    const bytes = new TextEncoder().encode(field.value).length;
    field.setCustomValidity(bytes > CONTENT_LIMIT_BYTES ? errorWords({ code: "too_large" }) : "");
  };
  field.addEventListener("input", () => {
    grow();
    actions.typing(field.value !== "");
  });
  field.addEventListener("keydown", (event) => {
    // While an input method composes a character, Enter belongs to it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    at("composer").requestSubmit();
  });
  at("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    const content = field.value.trim();
    if (content === "") return;
    field.value = "";
    grow();
    actions.typing(false);
    actions.ask(content);
    field.focus();
  });
  at("stop").addEventListener("click", () => actions.cancel(at("stop").dataset.turn));
}

function renderComposer(at, { conversation, connection }) {
  document.body.dataset.kind = conversation.kind;
  at("question").placeholder = composerWords(conversation);
  const turn = runningTurn(conversation);
  at("stop").hidden = turn === null;
  at("stop").dataset.turn = turn?.turn_id ?? "";
  at("stop").disabled = connection !== "online";
}

function renderAlerts(root, alerts, actions) {
  const wanted = JSON.stringify(alerts);
  if (root.dataset.shown === wanted) return;
  root.dataset.shown = wanted;
  root.replaceChildren(...alerts.map((alert, index) => alertItem(alert, index, actions)));
}

function alertItem(alert, index, actions) {
  const close = element("button", { type: "button", class: "button quiet", text: "Dismiss" });
  close.addEventListener("click", () => actions.dismiss(index));
  const words = alert.type === "notice" ? alert.text : errorWords(alert);
  const kind = alert.type === "notice" ? "alert notice" : "alert";
  return element(
    "div",
    { class: kind, "data-testid": "alert", "data-code": alert.code },
    element("span", { text: words }),
    element("span", { class: "muted", text: referenceWords(alert) }),
    close,
  );
}
