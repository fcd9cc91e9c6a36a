/** CSV is read by spreadsheets: no recorded text is a formula there, numbers stay numbers, and --raw is exact. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "csv-parse/sync";
import fc from "fast-check";
import { csvLines } from "../../../src/cli/csv-text.ts";

const safe = csvLines({ raw: false });
const raw = csvLines({ raw: true });
const cellsOf = (line: string): string[] => parse(line)[0] ?? [];

test("a text that a spreadsheet would calculate has an apostrophe before it", () => {
  const texts = [
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\u200B=1",
    "\u001B[31m=1",
    "＝1",
    "＋A1",
    "－A1",
    "＠A1",
  ];
  for (const text of texts) assert.match(cellsOf(safe([text, "x"]))[0] ?? "", /^'/, JSON.stringify(text));
  assert.deepEqual(cellsOf(safe(['=HYPERLINK("http://x","y")'])), ['\'=HYPERLINK("http://x","y")']);
});

test("numbers and ordinary names stay as they are", () => {
  const values = [
    -3,
    2.5,
    "-3",
    "+33",
    "-0.5e3",
    true,
    null,
    "Benjamin Godard - Victor Hugo",
    "a=b",
    "",
    "2026-11-20 08:00:00",
    [-1],
    "-",
  ];
  assert.deepEqual(cellsOf(safe(values)), [
    "-3",
    "2.5",
    "-3",
    "+33",
    "-0.5e3",
    "true",
    "",
    "Benjamin Godard - Victor Hugo",
    "a=b",
    "",
    "2026-11-20 08:00:00",
    "[-1]",
    "'-",
  ]);
});

test("with raw, cells are exactly what was recorded", () => {
  const texts = ["=1", "\u001B[31m", "a\nb", 'q"q', "\u200B"];
  assert.deepEqual(cellsOf(raw(texts)), texts);
});

test("of any texts, no cell begins a formula and no line is broken", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" }), { minLength: 1 }), (texts) => {
      const line = safe(["first", ...texts]);
      assert.equal(line.indexOf("\n"), line.length - 1);
      const cells = cellsOf(line);
      assert.equal(cells.length, texts.length + 1);
      for (const cell of cells) assert.ok(!/^\s*[=+\-@]/.test(cell) || /^[+-]?[\d.eE+-]+$/.test(cell), cell);
    }),
  );
});
