// The only place where text becomes markup: parsed without HTML, then sanitised, then told where links lead.

import DOMPurify from "dompurify";
import MarkdownIt from "markdown-it";

const TAGS = [
  "a", "blockquote", "br", "code", "del", "div", "em", "h3", "h4", "h5", "h6", "hr", "img", "li", "ol", "p", "pre", "s",
  "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
];
const ATTRIBUTES = ["alt", "class", "href", "src", "start", "title"];
const LINK = /^(?:https:|mailto:)/i;
const PICTURE = /^data:image\/(?:png|gif|jpeg|webp);base64,/i;
// The page has its own first and second heading; an answer's begin below them.
const HEADINGS = { h1: "h3", h2: "h4", h3: "h5", h4: "h6", h5: "h6", h6: "h6" };

const parser = new MarkdownIt({ html: false, linkify: false, typographer: false, breaks: true });
parser.validateLink = (url) => LINK.test(url.trim()) || PICTURE.test(url.trim());
parser.renderer.rules.image = (tokens, index, options, env, self) => {
  const token = tokens[index];
  const words = self.renderInlineAsText(token.children ?? [], options, env);
  token.attrSet("alt", words);
  // A remote picture would tell its server who reads what.
  return PICTURE.test(token.attrGet("src") ?? "") ? self.renderToken(tokens, index, options) : parser.utils.escapeHtml(words);
};
for (const rule of ["heading_open", "heading_close"]) {
  parser.renderer.rules[rule] = (tokens, index, options, _env, self) => {
    tokens[index].tag = HEADINGS[tokens[index].tag];
    return self.renderToken(tokens, index, options);
  };
}
for (const rule of ["td_open", "th_open"]) {
  parser.renderer.rules[rule] = (tokens, index, options, _env, self) => {
    const token = tokens[index];
    // The page's policy allows no style attribute, which is how the parser aligns cells.
    const aligned = /text-align:\s*(\w+)/.exec(token.attrGet("style") ?? "");
    token.attrs = aligned ? [["class", `align-${aligned[1]}`]] : null;
    return self.renderToken(tokens, index, options);
  };
}
parser.renderer.rules.table_open = () => '<div class="table-wrap"><table>';
parser.renderer.rules.table_close = () => "</table></div>";

/** Markup of an answer's text, without any HTML that the text contained. */
export function toHtml(text) {
  return parser.render(text);
}

/**
 * Nodes of an answer's text, safe to put into the page.
 * @param {string} text Markdown
 * @returns {DocumentFragment}
 */
export function toNodes(text) {
  const fragment = DOMPurify.sanitize(toHtml(text), {
    ALLOWED_TAGS: TAGS,
    ALLOWED_ATTR: ATTRIBUTES,
    ALLOW_DATA_ATTR: false,
    ALLOWED_URI_REGEXP: LINK,
    RETURN_DOM_FRAGMENT: true,
  });
  for (const picture of fragment.querySelectorAll("img")) {
    if (!PICTURE.test(picture.getAttribute("src") ?? "")) picture.replaceWith(picture.alt);
  }
  for (const link of fragment.querySelectorAll("a")) showTarget(link);
  return fragment;
}

/** A link opens beside the page, tells its target nothing, and shows the host that it leads to. */
function showTarget(link) {
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  const host = link.protocol === "https:" ? link.host : "";
  if (host === "" || link.textContent.includes(host)) return;
  const shown = document.createElement("span");
  shown.className = "link-host";
  shown.textContent = ` (${host})`;
  link.after(shown);
}
