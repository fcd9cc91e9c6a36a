/** CSV as RFC 4180 has it, made safe for spreadsheets: a stranger's text is neither a formula nor a control sequence. */
import { plainText } from "../telemetry/plain-text.ts";

/** What a spreadsheet takes for the beginning of a formula (OWASP, "CSV injection"), full-width forms too. */
const FORMULA = /^\s*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20]|^[\t\r\n]/u;
/** A number alone is no formula: -3 stays -3, whatever type it had. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** How one line is made of values; the same for all lines of a file. */
export type CsvLine = (values: readonly unknown[]) => string;

/**
 * @param raw cells exactly as they were recorded; else texts are one plain line, and one that a spreadsheet would
 * calculate has an apostrophe before it
 */
export function csvLines({ raw }: { readonly raw: boolean }): CsvLine {
  const cell = raw ? cellText : safeCell;
  return (values) => `${values.map((value) => quoted(cell(value))).join(",")}\n`;
}

/** A value of DuckDB's as text; nothing for null. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function safeCell(value: unknown): string {
  const text = cellText(value);
  const plain = plainText(text);
  // Numbers, flags, lists and objects are written by us: JSON begins none of them with a sign of a formula but minus.
  if (typeof value !== "string" || NUMBER.test(plain)) return plain;
  return FORMULA.test(plain) || FORMULA.test(text) ? `'${plain}` : plain;
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
