// Groups beside their messages: the list in the sidebar, and the dialog in which they are founded and their people change.

import { row, showLines } from "./rows.js";
import { element } from "./transcript.js";
import { groupWords, refusalWords, rulesWords } from "./words.js";

const SEARCH_LEAST = 2;
const SEARCH_PAUSE_MS = 250;

/**
 * The groups' part of the page.
 * @param {object} api
 * @param {object} page
 * @param {() => {id: string, roles: string[]} | null} page.me the signed-in person, once a session stands
 * @param {(id: string) => void} page.open
 * @param {() => Promise<void>} page.changed the list is to be read again
 * @param {(id: string) => void} page.left the person has no more to do with this group
 * @param {(question: object) => Promise<boolean>} page.confirm asks before what cannot be undone
 */
export function createGroups(api, page) {
  const dialog = document.getElementById("group-dialog");
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.getElementById("new-group").addEventListener("click", () => found(api, page, dialog));

  return {
    renderList: (groups, open) => renderList(api, document.getElementById("groups"), groups, open, page),
    /** What is shown of a group is not so any more: show it again, but not under the hands of its owner. */
    refresh(id) {
      if (dialog.open && dialog.dataset.group === id && dialog.dataset.owner !== page.me()?.id) showPeople(api, page, dialog, id);
    },
    /** The person has no more to do with a group: there is nothing to show of it. */
    gone: (id) => dialog.dataset.group === id && dialog.close(),
    /** Show who is in a group, and what the person may change of it. */
    showPeople: (id) => showPeople(api, page, dialog, id),
  };
}

function renderList(api, root, groups, open, page) {
  const wanted = JSON.stringify([groups.map(({ group_id, title, unread, status, owner }) => [group_id, title, unread, status, owner]), open, page.me()?.id]);
  if (root.dataset.shown === wanted) return;
  root.dataset.shown = wanted;
  showLines(root, groups.map((group) => groupItem(api, group, group.group_id === open, page)));
}

function groupItem(api, group, current, page) {
  const unread = current ? 0 : group.unread;
  const button = element(
    "button",
    {
      type: "button",
      class: "chat",
      "data-testid": "group",
      "data-group": group.group_id,
      "aria-current": current ? "page" : null,
      title: group.title,
    },
    element("span", { text: group.title }),
    ...(group.status === "archived" ? [element("span", { class: "badge", text: "Archived" })] : []),
    ...(unread > 0 ? [element("span", { class: "badge", "aria-label": `${unread} unread`, text: String(unread) })] : []),
  );
  button.addEventListener("click", () => page.open(group.group_id));
  const me = page.me()?.id;
  if (me === undefined) return element("li", {}, button);
  const isOwner = me === group.owner;
  const label = `${isOwner ? "Delete" : "Leave"} group: ${group.title}`;
  return row(button, { icon: isOwner ? "delete" : "leave", label, key: group.group_id, take: () => (isOwner ? end : depart)(api, page, group) });
}

/** Ask, and delete a group for everyone. */
function end(api, page, { group_id, title }) {
  return page.confirm({
    title: "Delete this group?",
    words: `“${title}” and all that was said in it will be deleted for everyone. This cannot be undone.`,
    go: "Delete",
    busy: "Deleting…",
    work: async () => {
      await api.deleteGroup(group_id);
      page.left(group_id);
    },
  });
}

/** Ask, and leave a group. */
function depart(api, page, { group_id, title }) {
  return page.confirm({
    title: "Leave this group?",
    words: `You will hear and read no more of “${title}”, unless its owner adds you again.`,
    go: "Leave",
    busy: "Leaving…",
    work: async () => {
      await api.removeMember(group_id, page.me().id);
      page.left(group_id);
    },
  });
}

// ── the dialog ──

/** Show a form or a list in the dialog, with a place for what is refused. */
function show(dialog, { title, group = null }, ...parts) {
  dialog.dataset.group = group?.group_id ?? "";
  dialog.dataset.owner = group?.owner ?? "";
  const fault = element("p", { class: "fault", role: "alert", "data-testid": "group-fault", hidden: true });
  const close = element("button", { type: "button", class: "button quiet", text: "Close", "data-testid": "group-close" });
  const { testid = null } = dialog.contains(document.activeElement) ? document.activeElement.dataset : {};
  close.addEventListener("click", () => dialog.close());
  dialog.replaceChildren(element("h2", { id: "group-dialog-title", text: title }), ...parts, fault, close);
  if (!dialog.open) dialog.showModal();
  // Who stood on a button stays on it, or near it.
  else if (testid) (dialog.querySelector(`[data-testid="${testid}"]`) ?? dialog.querySelector("[type=search]") ?? close).focus();
  return async (work) => {
    fault.hidden = true;
    try {
      await work();
    } catch (refusal) {
      fault.textContent = refusalWords(refusal);
      fault.hidden = false;
    }
  };
}

function choice(name, label, options, chosen) {
  const items = options.map(([value, text]) => element("option", { value, text, selected: value === chosen }));
  return element("label", { class: "field" }, element("span", { text: label }), element("select", { name, "data-testid": `group-${name}` }, ...items));
}

function rules(group, roles) {
  const known = group.role && !roles.includes(group.role) ? [group.role, ...roles] : roles;
  return [
    choice("role", "Works in the role", [["", "No role: tools for everyone"], ...known.map((role) => [role, role])], group.role ?? ""),
    choice("reply_policy", "The coach answers", Object.entries(groupWords.reply_policy), group.reply_policy),
    choice("history", "New members read", Object.entries(groupWords.history), group.history),
    choice("audience", "Answers are for", Object.entries(groupWords.audience), group.audience),
  ];
}

function titleField(title = "") {
  const input = element("input", { name: "title", required: true, maxlength: 200, value: title, "data-testid": "group-title" });
  return element("label", { class: "field" }, element("span", { text: "Title" }), input);
}

function wishOf(form) {
  const { role, ...wish } = Object.fromEntries(new FormData(form));
  return { ...wish, role: role || null };
}

function found(api, page, dialog) {
  const standard = { role: null, reply_policy: "mention", history: "all", audience: "members" };
  const go = element("button", { type: "submit", class: "button primary", text: "Create group", "data-testid": "group-create" });
  const form = element("form", { class: "stack" }, titleField(), ...rules(standard, page.me()?.roles ?? []), go);
  const trying = show(dialog, { title: "New group" }, form);
  const idempotency_key = crypto.randomUUID();
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    trying(async () => {
      const group = await api.foundGroup({ ...wishOf(form), idempotency_key });
      await page.changed();
      page.open(group.group_id);
      await showPeople(api, page, dialog, group.group_id);
    });
  });
  form.elements.title.focus();
}

// ── a group's people ──

async function showPeople(api, page, dialog, id) {
  const again = () => showPeople(api, page, dialog, id);
  const isShown = dialog.open && dialog.dataset.group === id;
  const trying = isShown ? dialog.trying : show(dialog, { title: "Members" }, element("p", { class: "muted", text: "Reading…" }));
  await trying(async () => {
    const group = await api.group(id);
    const me = page.me()?.id;
    const acting = { api, page, dialog, group, me, isOwner: me === group.owner, again };
    if (!dialog.open) return;
    const parts = acting.isOwner ? ownersPart(acting) : [rulesList(group), leaveButton(acting)];
    acting.trying = show(dialog, { title: group.title, group }, memberList(acting), ...parts);
    dialog.trying = acting.trying;
  });
}

/** A button that does something to the group and shows it again as it is then. */
function button(acting, text, work, { kind = "button quiet", testid = null } = {}) {
  const made = element("button", { type: "button", class: kind, text, "data-testid": testid });
  made.addEventListener("click", () => acting.trying(async () => {
    await work();
    await acting.page.changed();
  }));
  return made;
}

/** A button that asks before; the dialog goes with what was agreed to. */
function askingButton(acting, text, ask, testid) {
  const made = element("button", { type: "button", class: "button quiet", text, "data-testid": testid });
  made.addEventListener("click", async () => {
    if (!(await ask(acting.api, acting.page, acting.group))) return;
    acting.dialog.close();
    document.getElementById("question").focus();
  });
  return made;
}

function rulesList(group) {
  return element("ul", { class: "rules muted", "data-testid": "group-rules" }, ...rulesWords(group).map((text) => element("li", { text })));
}

function memberList(acting) {
  const { group, me } = acting;
  const items = group.members.map((member) => {
    const words = [member.name, member.id === me ? " (you)" : "", member.id === group.owner ? " · owner" : ""].join("");
    const others = acting.isOwner && member.id !== me ? memberButtons(acting, member) : [];
    return element("li", { class: "row", "data-testid": "member", "data-user": member.id }, element("span", { text: words }), ...others);
  });
  return element("ul", { class: "members" }, ...items);
}

function memberButtons(acting, member) {
  const { api, group, again } = acting;
  const remove = async () => {
    await api.removeMember(group.group_id, member.id);
    await again();
  };
  const handOver = () => acting.page.confirm({
    title: "Hand this group over?",
    words: `${member.name} will be the owner of “${group.title}”; you stay a member.`,
    go: "Hand over",
    busy: "Handing over…",
    work: async () => {
      await api.changeGroup(group.group_id, { owner: member.id });
      await again();
      await acting.page.changed();
    },
  });
  const handing = element("button", { type: "button", class: "button quiet", text: "Hand over", "data-testid": "member-hand-over" });
  handing.addEventListener("click", handOver);
  return [
    button(acting, "Remove", remove, { testid: "member-remove" }),
    handing,
  ];
}

function ownersPart(acting) {
  const { api, group, again } = acting;
  const isArchived = group.status === "archived";
  const setStatus = async () => {
    await api.changeGroup(group.group_id, { status: isArchived ? "active" : "archived" });
    await again();
  };
  const buttons = element(
    "div",
    { class: "row" },
    button(acting, isArchived ? "Take back" : "Archive", setStatus, { testid: "group-archive" }),
    askingButton(acting, "Delete", end, "group-delete"),
  );
  return isArchived ? [buttons] : [searchPart(acting), rulesForm(acting), buttons];
}

function leaveButton(acting) {
  return askingButton(acting, "Leave group", depart, "group-leave");
}

function rulesForm(acting) {
  const { api, page, group, again } = acting;
  const save = element("button", { type: "submit", class: "button", text: "Save", "data-testid": "group-save" });
  const form = element("form", { class: "stack" }, titleField(group.title), ...rules(group, page.me()?.roles ?? []), save);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    acting.trying(async () => {
      await api.changeGroup(group.group_id, wishOf(form));
      await page.changed();
      await again();
    });
  });
  return element("details", {}, element("summary", { text: "Title and rules" }), form);
}

function searchPart(acting) {
  const { api, group } = acting;
  const field = element("input", { type: "search", placeholder: "Name or e-mail", "data-testid": "people-search" });
  const results = element("ul", { class: "members", "aria-live": "polite" });
  let wanted = 0;
  field.addEventListener("input", () => {
    const mine = ++wanted;
    const query = field.value.trim();
    if (query.length < SEARCH_LEAST) return results.replaceChildren();
    setTimeout(() => mine === wanted && acting.trying(async () => {
      const people = await api.people(query);
      if (mine === wanted) results.replaceChildren(...foundPeople(acting, people, group));
    }), SEARCH_PAUSE_MS);
  });
  return element("div", { class: "stack" }, element("label", { class: "field" }, element("span", { text: "Add people" }), field), results);
}

function foundPeople(acting, people, group) {
  const others = people.filter((person) => !group.members.some((member) => member.id === person.id));
  if (others.length === 0) return [element("li", { class: "muted", text: "Nobody else of this name has signed in." })];
  return others.map((person) => {
    const add = async () => {
      await acting.api.addMember(group.group_id, person.id);
      await acting.again();
    };
    const words = person.email ? `${person.name} · ${person.email}` : person.name;
    const adding = button(acting, "Add", add, { kind: "button", testid: "people-add" });
    return element("li", { class: "row", "data-testid": "found", "data-user": person.id }, element("span", { text: words }), adding);
  });
}
