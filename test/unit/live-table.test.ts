/** The table on the terminal fits its window, whatever the areas are called. */
import assert from "node:assert/strict";
import { test } from "node:test";
import stringWidth from "string-width";
import { formatAge, renderTable } from "../../src/stages/print/live-table.ts";
import type { LiveArea } from "../../src/domain/live-area.ts";

const NOW_MS = 1_760_778_679_000;

function area(key: string, total: number): LiveArea {
  return {
    key,
    totals: {
      systemId: "velib",
      area: key,
      total,
      electric: null,
      mechanical: total,
      stations: 3,
      docks: null,
      asOfMs: NOW_MS - 65_000,
      stationsWithoutSplit: 3,
      simulated: false,
    },
    stationsRenting: 3,
    capacity: null,
    lat: null,
    lon: null,
  };
}

function table(
  areas: readonly LiveArea[],
  columns: number,
  rows: number,
  notices: readonly string[] = [],
): string[] {
  return renderTable({
    areas,
    status: ["1495 stations", "86 areas", "12.3 records/s", "changed 34 s ago"],
    notices,
    columns,
    rows,
    nowMs: NOW_MS,
    style: (_style, text) => text,
  });
}

test("shows an area per line, sorted, unknown splits as unknown", () => {
  assert.deepEqual(table([area("93200", 9), area("75016", 5)], 80, 24), [
    "area   bikes  electric  mechanical  stations   age",
    "75016      5         ?           5         3  65 s",
    "93200      9         ?           9         3  65 s",
    "1495 stations · 86 areas · 12.3 records/s · changed 34 s ago",
  ]);
});

test("never exceeds the window, and says how many areas do not fit", () => {
  const many = Array.from({ length: 300 }, (_, index) =>
    area(`Sainte-Geneviève-des-Bois ${index} 中央`, index),
  );
  for (const [columns, rows] of [
    [20, 5],
    [80, 24],
    [200, 50],
  ] as const) {
    const lines = table(many, columns, rows, ["The feed is away. Wait."]);
    assert.ok(lines.length <= rows, `${lines.length} lines in ${rows}`);
    for (const line of lines) assert.ok(stringWidth(line) <= columns, line);
    assert.ok(lines.some((line) => line.startsWith("…") || line.includes("more areas")));
  }
});

test("uses a wide window for several columns of areas", () => {
  const many = Array.from({ length: 40 }, (_, index) => area(`750${index}`, index));
  assert.ok(table(many, 200, 30).length < 20);
});

for (const [ms, text] of [
  [-5, "0 s"],
  [119_999, "119 s"],
  [120_000, "2 min"],
  [7_200_000, "2 h"],
  [172_800_000, "2 d"],
] as const) {
  test(`an age of ${ms} ms reads ${text}`, () => assert.equal(formatAge(ms), text));
}
