// What a chart shows, as data for the chart library and as words: pure functions.

const KINDS = { bar: "Bar chart", line: "Line chart", pie: "Pie chart", doughnut: "Doughnut chart", radar: "Radar chart" };
const ROUND = new Set(["pie", "doughnut"]);
const SPOKEN_POINTS = 12;

/** Whether `chart_data` is a chart that this page can draw. */
export function isChart(chart) {
  return Object.hasOwn(KINDS, chart?.chartType ?? "") && Array.isArray(chart.data) && chart.data.length > 0;
}

/** The measures of a chart: the first with the name that it has in its table, if it can be found there. */
export function measures(chart, tables = []) {
  const first = { name: firstName(chart, tables), values: chart.data.map(({ value }) => value) };
  return [first, ...(chart.series ?? [])];
}

function firstName(chart, tables) {
  for (const { columns, rows } of tables) {
    const at = columns.findIndex((column, index) => column.type !== "text" && holds(rows, index, chart.data));
    if (at !== -1) return columns[at].name;
  }
  return chart.title;
}

/** Whether the column has the chart's values in their order; left-out rows may stand between. */
function holds(rows, column, points) {
  let next = 0;
  for (const row of rows) {
    const named = next < points.length && row.some((cell) => cell !== null && points[next].label.startsWith(String(cell)));
    if (named && row[column] === points[next].value) next += 1;
  }
  return next === points.length;
}

/**
 * Labels and datasets for the library.
 * @returns {{type: string, labels: string[], datasets: {label: string, data: (number|null)[]}[]}}
 */
export function drawing(chart, tables = []) {
  const all = measures(chart, tables);
  const labels = chart.data.map(({ label }) => label);
  if (chart.chartType !== "radar") {
    return { type: chart.chartType, labels, datasets: all.map(({ name, values }) => ({ label: name, data: values })) };
  }
  // A radar compares things by their measures: an axis each measure, an outline each thing.
  const datasets = labels.map((label, row) => ({ label, data: all.map(({ values }) => values[row]) }));
  return { type: "radar", labels: all.map(({ name }) => name), datasets };
}

/** Whether a legend says anything that the labels do not. */
export function hasLegend(shown) {
  return ROUND.has(shown.type) || shown.datasets.length > 1;
}

/** The chart in words, for those who do not see it. */
export function chartWords(chart, tables = [], locale = undefined) {
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
  const all = measures(chart, tables);
  const said = (value) => (value === null || value === undefined ? "no value" : number.format(value));
  const points = chart.data.slice(0, SPOKEN_POINTS).map(({ label }, row) => {
    const values = all.map(({ name, values }) => (all.length > 1 ? `${name} ${said(values[row])}` : said(values[row])));
    return `${label}: ${values.join(", ")}`;
  });
  const more = chart.data.length - points.length;
  return `${KINDS[chart.chartType]}, ${chart.title}. ${points.join("; ")}${more > 0 ? `; and ${more} more` : ""}.`;
}

/** The chart as a table: a header and a row each label. */
export function chartRows(chart, tables = [], locale = undefined) {
  const number = new Intl.NumberFormat(locale, { maximumFractionDigits: 3 });
  const all = measures(chart, tables);
  const said = (value) => (value === null || value === undefined ? "" : number.format(value));
  const header = ["", ...all.map(({ name }) => name)];
  return [header, ...chart.data.map(({ label }, row) => [label, ...all.map(({ values }) => said(values[row]))])];
}
