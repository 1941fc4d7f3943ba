// A question before what cannot be undone: left with Escape, and open until what was agreed to is done.

import { element } from "./transcript.js";
import { referenceWords, refusalWords } from "./words.js";

let asked = 0;

/**
 * Ask, and do what is agreed to. When it is refused, the dialog says why and stays.
 * @param {object} question
 * @param {string} question.title
 * @param {string} question.words what becomes of what
 * @param {string} question.go the word on the button that agrees
 * @param {string} question.busy what stands there meanwhile
 * @param {() => Promise<void>} question.work
 * @returns {Promise<boolean>} whether it was agreed to and done
 */
export function confirm({ title, words, go, busy, work }) {
  const ids = [`confirm-title-${++asked}`, `confirm-words-${asked}`];
  const fault = element("p", { class: "fault", role: "alert", "data-testid": "confirm-fault", hidden: true });
  const no = element("button", { type: "button", class: "button", text: "Cancel", "data-testid": "confirm-cancel" });
  const yes = element("button", { type: "button", class: "button danger", text: go, "data-testid": "confirm-go" });
  // One of its own for each question: what is at work goes on when its dialog was left, and its refusal opens it again.
  const dialog = element(
    "dialog",
    { class: "dialog small", role: "alertdialog", "aria-labelledby": ids[0], "aria-describedby": ids[1], "data-testid": "confirm" },
    element("h2", { id: ids[0], text: title }),
    element("p", { id: ids[1], class: "muted", text: words }),
    fault,
    element("div", { class: "row end" }, no, yes),
  );
  let isAtWork = false;
  const show = (atWork) => {
    isAtWork = atWork;
    // A disabled button would lose the focus.
    yes.setAttribute("aria-disabled", String(atWork));
    yes.textContent = atWork ? busy : go;
  };

  return new Promise((resolve) => {
    const settle = (isDone) => {
      dialog.close();
      dialog.remove();
      resolve(isDone);
    };
    const leave = () => (isAtWork ? dialog.close() : settle(false));
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      leave();
    });
    // A browser may close it without asking whether it may.
    dialog.addEventListener("close", () => dialog.open || isAtWork || settle(false));
    dialog.addEventListener("click", (event) => event.target === dialog && leave());
    no.addEventListener("click", leave);
    yes.addEventListener("click", async () => {
      if (isAtWork) return;
      fault.hidden = true;
      show(true);
      try {
        await work();
        settle(true);
      } catch (refusal) {
        show(false);
        fault.textContent = [refusalWords(refusal), referenceWords(refusal)].filter(Boolean).join(" ");
        fault.hidden = false;
        if (!dialog.open) dialog.showModal();
      }
    });
    document.body.append(dialog);
    dialog.showModal();
    no.focus();
  });
}
