// Thumbs under an answer, and room for a word about it.

const COMMENT_MOST = 2000;
const THUMBS = [
  { rating: "up", words: "Helpful" },
  { rating: "down", words: "Not helpful" },
];

/**
 * Offer to rate an answer that is whole and stored; what was pressed stays pressed while the page lives.
 * @param {Function} element makes an element
 * @param {HTMLElement} root
 * @param {object} turn
 * @param {{rate: (turn: object, rating: string, comment?: string) => void}} actions
 */
export function updateRating(element, root, turn, actions) {
  const wanted = turn.ended && turn.status === "done" ? (turn.response?.message_id ?? "") : "";
  if ((root.dataset.message ?? "") === wanted) return;
  root.dataset.message = wanted;
  root.replaceChildren(...(wanted === "" ? [] : rating(element, root, turn, actions)));
}

/** Say that a rating is stored. */
export function showRated(transcript, { message_id, rating }) {
  for (const root of transcript.querySelectorAll(".rating")) {
    if (root.dataset.message !== message_id) continue;
    press(root, rating);
    root.dataset.saved = rating;
    root.querySelector("[role=status]").textContent = "Thank you, saved.";
  }
}

function press(root, rating) {
  for (const thumb of root.querySelectorAll("[data-rating]")) {
    thumb.setAttribute("aria-pressed", String(thumb.dataset.rating === rating));
  }
}

function rating(element, root, turn, actions) {
  const note = element("span", { class: "muted", role: "status", "data-testid": "rating-note" });
  const thumbs = THUMBS.map(({ rating: value, words }) => {
    const thumb = element("button", { type: "button", class: "button quiet thumb", text: words, "aria-pressed": "false", "data-rating": value, "data-testid": `thumb-${value}` });
    thumb.addEventListener("click", () => {
      press(root, value);
      root.querySelector("form")?.remove();
      root.append(commentForm(element, (comment) => actions.rate(turn, value, comment)));
      actions.rate(turn, value);
    });
    return thumb;
  });
  return [...thumbs, note];
}

/** Made when somebody rates: before, the transcript holds no field, so that none in it can be anybody else's. */
function commentForm(element, send) {
  const field = element("input", { maxlength: COMMENT_MOST, "aria-label": "What about it?", placeholder: "What about it? (optional)", "data-testid": "rating-comment" });
  const form = element("form", { autocomplete: "off" }, field, element("button", { type: "submit", class: "button quiet", text: "Tell us" }));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const comment = field.value.trim();
    if (comment === "") return;
    form.remove();
    send(comment);
  });
  return form;
}
