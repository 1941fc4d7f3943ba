// Markdown as the parser leaves it, before the sanitiser: no HTML, no remote picture, no style attribute.
import assert from "node:assert/strict";
import { test } from "node:test";

import { toHtml } from "../src/markdown.js";

test("HTML in an answer stays text", () => {
  assert.equal(toHtml("a <b onclick='x'>b</b>"), "<p>a &lt;b onclick='x'&gt;b&lt;/b&gt;</p>\n");
});

test("links lead to https and mailto only", () => {
  assert.match(toHtml("[a](https://example.com) [b](mailto:a@example.com)"), /href="https:.*href="mailto:/);
  for (const url of ["javascript:x", "http://example.com", "file:///x", "//example.com", "data:text/html,x"]) {
    assert.doesNotMatch(toHtml(`[a](${url})`), /href/, url);
  }
});

test("a remote picture becomes its words, a picture's data is shown", () => {
  assert.equal(toHtml("![the *chart*](https://example.com/x.png)"), "<p>the chart</p>\n");
  assert.match(toHtml("![dot](data:image/gif;base64,R0lG)"), /<img src="data:image\/gif;base64,R0lG" alt="dot">/);
  assert.doesNotMatch(toHtml("![dot](data:image/svg+xml;base64,R0lG)"), /<img/);
});

test("cells are aligned by class, for the page's policy allows no style attribute", () => {
  const html = toHtml("| a | b |\n|--:|---|\n| 1 | 2 |");
  assert.match(html, /<th class="align-right">a<\/th>\n<th>b<\/th>/);
  assert.doesNotMatch(html, /style=/);
});

test("headings begin below the page's own", () => {
  assert.equal(toHtml("# One\n\n###### Six"), "<h3>One</h3>\n<h6>Six</h6>\n");
});
