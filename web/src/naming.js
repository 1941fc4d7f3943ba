// The open chat's title in the header, and how its person changes it.

/** Wire the button, the field and its keys. */
export function wireNaming(at, actions) {
  const close = () => {
    at("naming").hidden = true;
    at("title").hidden = false;
    at("rename").hidden = false;
    at("rename").focus();
  };
  at("rename").addEventListener("click", () => {
    at("new-title").value = at("title").textContent;
    at("title").hidden = true;
    at("rename").hidden = true;
    at("naming").hidden = false;
    at("new-title").select();
  });
  at("new-title").addEventListener("keydown", (event) => event.key === "Escape" && close());
  at("naming").addEventListener("submit", (event) => {
    event.preventDefault();
    const title = at("new-title").value.trim();
    if (title !== "" && title !== at("title").textContent) actions.rename(title);
    close();
  });
}

/** Only a chat that is stored has a title to change; a group's is its owner's, in the group's own dialog. */
export function renderNaming(at, { conversation, chats, open }) {
  const known = chats.some((chat) => chat.session_id === open);
  const shown = conversation.kind !== "group" && known && conversation.turns.size > 0;
  at("rename").hidden = !shown || !at("naming").hidden;
  if (!shown && !at("naming").hidden) {
    at("naming").hidden = true;
    at("title").hidden = false;
  }
}
