// Tables for other programs, charts as data and as words.
import assert from "node:assert/strict";
import { test } from "node:test";

import { chartRows, chartWords, drawing, hasLegend, isChart, measures } from "../src/charts.js";
import { harmless, toCsv, toTsv } from "../src/tables.js";

const TABLE = {
  columns: [{ name: "Region", type: "text" }, { name: "Won", type: "currency", unit: "EUR" }, { name: "Lost", type: "currency", unit: "EUR" }],
  rows: [["North", 1200, 3], ["South", 7, null], ["Total", 1207, 3]],
};
const CHART = {
  chartType: "bar",
  title: "By region",
  data: [{ label: "North", value: 1200 }, { label: "South", value: 7 }],
  series: [{ name: "Lost", values: [3, null] }],
};

test("a table is copied as rows of tabs, and as CSV with quotes where they are needed", () => {
  const rows = [["Region", "Note"], ["North", 'says "no", twice'], ["South", "two\nlines"]];
  assert.equal(toTsv(rows), 'Region\tNote\nNorth\tsays "no", twice\nSouth\ttwo lines');
  assert.equal(toCsv(rows), 'Region,Note\r\nNorth,"says ""no"", twice"\r\nSouth,"two\nlines"');
});

test("what a spreadsheet would run is made a text; numbers stay numbers", () => {
  for (const cell of ["=1+1", "+cmd|x", "-2+3", "@SUM(A1)", "\t=1", "  =1", "\u00a0@x"]) assert.equal(harmless(cell), `'${cell}`);
  for (const cell of ["-1,200.50", "+3.2 %", "12", "a=b", "", "-7"]) assert.equal(harmless(cell), cell);
});

test("the first measure has the name of its column; rows that were left out may stand between", () => {
  assert.deepEqual(measures(CHART, [TABLE]).map(({ name }) => name), ["Won", "Lost"]);
  assert.equal(measures(CHART)[0].name, "By region");
});

test("a radar has an axis for each measure and an outline for each thing", () => {
  const shown = drawing({ ...CHART, chartType: "radar" }, [TABLE]);
  assert.deepEqual(shown.labels, ["Won", "Lost"]);
  assert.deepEqual(shown.datasets[0], { label: "North", data: [1200, 3] });
});

test("one measure needs no legend, parts and several measures do", () => {
  assert.equal(hasLegend(drawing({ ...CHART, series: undefined })), false);
  assert.equal(hasLegend(drawing(CHART)), true);
  assert.equal(hasLegend(drawing({ ...CHART, chartType: "pie", series: undefined })), true);
});

test("every chart has words that say the same", () => {
  assert.equal(chartWords(CHART, [TABLE], "en"), "Bar chart, By region. North: Won 1,200, Lost 3; South: Won 7, Lost no value.");
  const long = { chartType: "line", title: "t", data: Array.from({ length: 15 }, (_x, at) => ({ label: `d${at}`, value: at })) };
  assert.match(chartWords(long, [], "en"), /; and 3 more\.$/);
  assert.deepEqual(chartRows(CHART, [TABLE], "de"), [["", "Won", "Lost"], ["North", "1.200", "3"], ["South", "7", ""]]);
});

test("only what the page can draw is a chart", () => {
  assert.equal(isChart(CHART), true);
  for (const not of [null, undefined, {}, { chartType: "constructor", data: [1] }, { chartType: "bar", data: [] }]) assert.equal(isChart(not), false);
});
