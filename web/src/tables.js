// Tables as text for other programs: pure functions.

const STARTS_FORMULA = /^[\s\u0000-\u001f\u00a0\ufeff]*[=+\-@\t\r]/;
const NUMBER = /^[+-]?(?:\d[\d.,'’\u00a0\u202f ]*)?\d\s*%?$/;

/** A text that no spreadsheet takes for a formula: marked with an apostrophe when it looks like one; numbers stay. */
export function harmless(text) {
  return STARTS_FORMULA.test(text) && !NUMBER.test(text.trim()) ? `'${text}` : text;
}

/** Rows for pasting into a spreadsheet. */
export function toTsv(rows) {
  return rows.map((row) => row.map((cell) => harmless(cell.replace(/\s+/g, " ").trim())).join("\t")).join("\n");
}

/** Rows as RFC 4180 has them. */
export function toCsv(rows) {
  return rows.map((row) => row.map((cell) => quoted(harmless(cell))).join(",")).join("\r\n");
}

function quoted(cell) {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

/** The texts of a table on the page. */
export function rowsOf(table) {
  return [...table.rows].map((row) => [...row.cells].map((cell) => cell.textContent));
}
