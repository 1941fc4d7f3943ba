// A question before what cannot be undone: left with Escape, and open until what was agreed to is done.

import { element } from "./transcript.js";
import { referenceWords, refusalWords } from "./words.js";

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} words what becomes of what
 * @property {string} go the word on the button that agrees
 * @property {string} busy what stands there meanwhile
 * @property {() => Promise<void>} work what is agreed to; when it is refused, the dialog says why and stays
 */

/**
 * The dialog of the page.
 * @returns {(question: Question) => Promise<boolean>} asks, and tells whether it was agreed to and done
 */
export function createConfirm() {
  const dialog = document.getElementById("confirm");
  let leave = () => {};
  dialog.addEventListener("close", () => leave());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());

  return ({ title, words, go, busy, work }) => new Promise((resolve) => {
    const fault = element("p", { class: "fault", role: "alert", "data-testid": "confirm-fault", hidden: true });
    const no = element("button", { type: "button", class: "button", text: "Cancel", "data-testid": "confirm-cancel" });
    const yes = element("button", { type: "button", class: "button danger", text: go, "data-testid": "confirm-go" });
    let isAtWork = false;
    let isDone = false;
    // What is at work goes on when the dialog is left, and its refusal opens it again.
    leave = () => isAtWork || resolve(isDone);
    const show = (atWork) => {
      isAtWork = atWork;
      // A disabled button would lose the focus.
      yes.setAttribute("aria-disabled", String(atWork));
      yes.textContent = atWork ? busy : go;
    };
    no.addEventListener("click", () => dialog.close());
    yes.addEventListener("click", async () => {
      if (isAtWork) return;
      fault.hidden = true;
      show(true);
      try {
        await work();
        isDone = true;
      } catch (refusal) {
        fault.textContent = [refusalWords(refusal), referenceWords(refusal)].filter(Boolean).join(" ");
        fault.hidden = false;
      }
      show(false);
      if (isDone && dialog.open) dialog.close();
      else if (isDone) resolve(true);
      else if (!dialog.open) dialog.showModal();
    });
    dialog.replaceChildren(
      element("h2", { id: "confirm-title", text: title }),
      element("p", { id: "confirm-words", class: "muted", text: words }),
      fault,
      element("div", { class: "row end" }, no, yes),
    );
    dialog.showModal();
    no.focus();
  });
}
