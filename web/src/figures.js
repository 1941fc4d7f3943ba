// Charts and table tools on the page; the chart library draws, everything it needs is decided in charts.js.

import Chart from "chart.js/auto";

import { chartRows, chartWords, drawing, hasLegend } from "./charts.js";
import { rowsOf, toCsv, toTsv } from "./tables.js";

const COLOURS = ["--chart-1", "--chart-2", "--chart-3", "--chart-4", "--chart-5", "--chart-6"];
const ROUND = new Set(["pie", "doughnut"]);
const SAID_MS = 2_000;

/**
 * A chart with its title and the same as a table.
 * @param {Function} element makes an element
 * @param {object} chart `chart_data` of an answer
 * @param {object[]} tables `tables` of the same answer
 */
export function chartFigure(element, chart, tables) {
  const canvas = element("canvas", { role: "img", "aria-label": chartWords(chart, tables), "data-testid": "chart-canvas" });
  const figure = element(
    "figure",
    { class: "chart", "data-testid": "chart", "data-kind": chart.chartType },
    element("figcaption", { text: chart.title }),
    element("div", { class: "chart-box" }, canvas),
    element("details", { class: "chart-words", "data-testid": "chart-words" }, element("summary", { text: "Show as text" }), asTable(element, chart, tables)),
  );
  // The library measures its box, which has a size only once it is on the page.
  requestAnimationFrame(() => canvas.isConnected && draw(canvas, chart, tables));
  return figure;
}

/** Let go of what the library holds of the charts below a node that is about to go. */
export function releaseCharts(root) {
  for (const canvas of root.querySelectorAll("canvas")) Chart.getChart(canvas)?.destroy();
}

function asTable(element, chart, tables) {
  const [header, ...rows] = chartRows(chart, tables);
  const cell = (tag, text, index) => element(tag, { text, class: index > 0 ? "align-right" : null, scope: tag === "th" ? "col" : null });
  return element(
    "div",
    { class: "table-wrap" },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...header.map((text, index) => cell("th", text, index)))),
      element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((text, index) => cell("td", text, index))))),
    ),
  );
}

function draw(canvas, chart, tables) {
  const style = getComputedStyle(canvas);
  const colours = COLOURS.map((name) => style.getPropertyValue(name).trim());
  const [ink, line] = ["--soft", "--line"].map((name) => style.getPropertyValue(name).trim());
  const shown = drawing(chart, tables);
  const round = ROUND.has(shown.type);
  const datasets = shown.datasets.map((dataset, index) => {
    const colour = colours[index % colours.length];
    const many = shown.labels.map((_label, at) => colours[at % colours.length]);
    const fill = shown.type === "radar" ? `${colour}33` : colour;
    return { ...dataset, backgroundColor: round ? many : fill, borderColor: round ? line : colour, borderWidth: shown.type === "bar" ? 0 : 2 };
  });
  const axis = { ticks: { color: ink }, grid: { color: line }, border: { color: line } };
  const radial = { ticks: { color: ink, backdropColor: "transparent" }, grid: { color: line }, angleLines: { color: line }, pointLabels: { color: ink } };
  const scales = round ? {} : shown.type === "radar" ? { r: radial } : { x: axis, y: { ...axis, beginAtZero: shown.type === "bar" } };
  new Chart(canvas, {
    type: shown.type,
    data: { labels: shown.labels, datasets },
    options: {
      animation: false,
      maintainAspectRatio: false,
      scales,
      plugins: { legend: { display: hasLegend(shown), position: "bottom", labels: { color: ink, boxWidth: 14 } } },
    },
  });
}

/** Give every table of an answer buttons that copy it. */
export function addTableTools(element, root) {
  for (const wrap of root.querySelectorAll(":scope .table-wrap:not(.tooled)")) {
    wrap.classList.add("tooled");
    const rows = () => rowsOf(wrap.querySelector("table"));
    const tools = element(
      "div",
      { class: "table-tools" },
      copyButton(element, "Copy table", () => toTsv(rows())),
      copyButton(element, "Copy as CSV", () => toCsv(rows())),
    );
    wrap.after(tools);
  }
}

function copyButton(element, words, text) {
  const button = element("button", { type: "button", class: "button quiet small", "data-testid": words.toLowerCase().replaceAll(" ", "-"), text: words });
  button.addEventListener("click", async () => {
    const done = await navigator.clipboard.writeText(text()).then(() => true, () => false);
    button.textContent = done ? "Copied" : "Not allowed by the browser";
    setTimeout(() => (button.textContent = words), SAID_MS);
  });
  return button;
}
