// Lines of the lists in the sidebar: what a line opens, and the button beside it that takes it away.

import { element } from "./transcript.js";

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  delete: "M4 7h16M10 11v6M14 11v6M6 7l1 13h10l1-13M9 7V4h6v3",
  leave: "M14 4H5v16h9M10 12h10M17 9l3 3-3 3",
};

/**
 * A line with a button that takes it away.
 * @param {HTMLElement} opener
 * @param {object} taking
 * @param {"delete" | "leave"} taking.icon
 * @param {string} taking.label names what is taken away, for those who do not see the line
 * @param {string} taking.key the chat or the group
 * @param {() => Promise<boolean>} taking.take whether it was taken away
 */
export function row(opener, { icon, label, key, take }) {
  const button = element("button", { type: "button", class: "take", "aria-label": label, title: label, "data-testid": "take", "data-key": key }, drawn(icon));
  opener.dataset.key = key;
  const line = element("li", { class: "line" }, opener, button);
  button.addEventListener("click", async () => {
    const root = line.parentElement;
    const next = [line.nextElementSibling, line.previousElementSibling].find(Boolean)?.querySelector(".take").dataset.key;
    const isOpen = opener.getAttribute("aria-current") === "page";
    const isTaken = await take();
    const there = (wanted) => root.querySelector(`.take[data-key="${CSS.escape(wanted ?? "")}"]`) ?? document.getElementById("new-chat");
    // The line is gone, or was drawn anew meanwhile: go on where the person is now, in a new chat or in the list.
    if (isTaken && isOpen && !isCovered()) document.getElementById("question").focus();
    else there(isTaken ? next : key).focus();
  });
  return line;
}

/** On a narrow page the open sidebar lies over everything else. */
function isCovered() {
  return document.getElementById("sidebar").classList.contains("open");
}

/** Show other lines; who stood on one of them stays on it. */
export function showLines(root, lines) {
  const { testid, key } = root.contains(document.activeElement) ? document.activeElement.dataset : {};
  root.replaceChildren(...lines);
  if (key) root.querySelector(`[data-testid="${testid}"][data-key="${CSS.escape(key)}"]`)?.focus();
}

function drawn(icon) {
  const image = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  for (const [name, value] of Object.entries({ viewBox: "0 0 24 24", width: "18", height: "18", "aria-hidden": "true" })) image.setAttribute(name, value);
  path.setAttribute("d", ICONS[icon]);
  image.append(path);
  return image;
}
