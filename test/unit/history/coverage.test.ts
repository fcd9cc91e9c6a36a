/** When somebody watched, told from the times of records alone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Coverage } from "../../../src/history/time/coverage.ts";
import type { Epoch } from "../../../src/history/time/spans.ts";
import { segmentsOf } from "../../../src/history/time/segments.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 24);

function observed(minutes: readonly number[], epoch = 1, coverage = new Coverage()): Coverage {
  for (const minute of minutes) coverage.observe("velib", epoch, START + minute * MINUTE);
  return coverage;
}

function spansOf(coverage: Coverage): readonly (readonly number[])[] {
  return coverage
    .spans()
    .map(({ fromMs, toMs }) => [(fromMs - START) / MINUTE, (toMs - START) / MINUTE])
    .toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}

test("a silence of more than ten minutes is a gap where a record a minute is usual", () => {
  assert.deepEqual(spansOf(observed([0, 1, 2, 3, 12, 13, 30, 31])), [
    [0, 13],
    [30, 31],
  ]);
});

test("a recording of a poll an hour has no gaps but where three are missing", () => {
  assert.deepEqual(spansOf(observed([0, 60, 120, 180, 240, 480, 540])), [
    [0, 240],
    [480, 540],
  ]);
});

test("a recording of a few times a year is as many instants, not a year that was watched", () => {
  const MONTH = 30 * 24 * 60;
  for (const months of [
    [0, 9, 10, 19],
    [0, 1, 2, 11, 12],
    [0, 0.5, 1, 1.5, 2],
  ])
    assert.deepEqual(
      spansOf(observed(months.map((month) => month * MONTH))),
      months.map((month) => [month * MONTH, month * MONTH]),
    );
});

test("a recording a day, give or take an hour, has no gaps", () => {
  assert.deepEqual(spansOf(observed([0, 24, 49, 72, 97].map((hour) => hour * 60))), [[0, 97 * 60]]);
});

test("a gap among the first records is a gap once it is known what is usual", () => {
  assert.deepEqual(spansOf(observed([0, 1, 60, 61, 62, 63])), [
    [0, 1],
    [60, 63],
  ]);
});

test("late records and other partitions make no gap", () => {
  assert.deepEqual(spansOf(observed([5, 6, 7, 3, 4, 8, 9])), [[3, 9]]);
});

test("a backlog read partition after partition has the gaps of the whole, no more and no fewer", () => {
  const coverage = new Coverage();
  // One station now and then in the first partition; the second has a record a minute, but for a quarter of an hour.
  for (const minute of [0, 20, 40, 60, 80, 100, 120])
    coverage.observe("velib", 1, START + minute * MINUTE, 0);
  for (let minute = 0; minute <= 120; minute += 1)
    if (minute <= 41 || minute >= 58) coverage.observe("velib", 1, START + minute * MINUTE, 1);
  assert.deepEqual(spansOf(coverage), [
    [0, 41],
    [58, 120],
  ]);
});

test("what was kept for the sake of order is settled while the log is read as it grows", () => {
  const coverage = new Coverage();
  for (let minute = 0; minute < 1_000; minute += 1) {
    coverage.observe("velib", 1, START + minute * MINUTE);
    coverage.settle();
  }
  assert.ok((coverage.unsettled()[0]?.timesMs.length ?? 0) <= 32);
  const after = new Coverage(coverage.spans(), coverage.unsettled());
  assert.deepEqual(spansOf(after), [[0, 999]]);
  after.forget(START + 10 * MINUTE);
  assert.deepEqual(spansOf(after), [[10, 999]]);
});

test("a writer that starts again in the same log goes on with what it knew", () => {
  const before = observed([0, 60, 120, 180, 240]);
  const after = observed([300, 360], 1, new Coverage(before.spans()));
  assert.deepEqual(spansOf(after), [[0, 360]]);
});

test("what was interrupted is not gone on with, also after a restart", () => {
  const before = observed([0, 1, 2, 3]);
  before.miss(1, 0, START + 4 * MINUTE, ["velib"]);
  const after = observed([4, 5, 6], 1, new Coverage(before.spans(), before.unsettled()));
  assert.deepEqual(spansOf(after), [
    [0, 3],
    [4, 6],
  ]);
});

test("what was removed is not covered", () => {
  const coverage = observed([0, 1, 2, 3, 60, 61, 62]);
  coverage.forget(START + 61 * MINUTE);
  assert.deepEqual(spansOf(coverage), [[61, 62]]);
});

test("an import tells only where no live log does, and the newer log before the older", () => {
  const epochs: Epoch[] = [
    { id: 1, kind: "memory", topics: [], openedAtMs: 0 },
    { id: 2, kind: "import", topics: [], openedAtMs: 0 },
    { id: 3, kind: "memory", topics: [], openedAtMs: 0 },
  ];
  const spans = [
    { system: "velib", epoch: 1, fromMs: 10, toMs: 20, patienceMs: 1 },
    { system: "velib", epoch: 2, fromMs: 0, toMs: 40, patienceMs: 1 },
    { system: "velib", epoch: 3, fromMs: 15, toMs: 30, patienceMs: 1 },
    { system: "oslo", epoch: 3, fromMs: 0, toMs: 90, patienceMs: 1 },
  ];
  assert.deepEqual(segmentsOf("velib", spans, epochs, { fromMs: -5, toMs: 50, nowMs: 45 }), [
    { fromMs: -5, toMs: 0, epoch: null },
    { fromMs: 0, toMs: 10, epoch: 2 },
    { fromMs: 10, toMs: 15, epoch: 1 },
    { fromMs: 15, toMs: 31, epoch: 3 },
    { fromMs: 31, toMs: 41, epoch: 2 },
    { fromMs: 41, toMs: 45, epoch: null },
  ]);
});

test("records that are missing are told of as a gap of every system of their partition, and are not watched", () => {
  const coverage = new Coverage();
  for (const minute of [0, 1, 2, 3]) {
    coverage.observe("velib", 1, START + minute * MINUTE, 0);
    coverage.observe("oslo", 1, START + minute * MINUTE, 1);
  }
  const missed = coverage.miss(1, 0, START + 7 * MINUTE, ["lyon"]);
  const gap = { fromMs: START + 3 * MINUTE, toMs: START + 7 * MINUTE };
  assert.deepEqual(
    missed.toSorted((a, b) => (a.system < b.system ? -1 : 1)),
    [
      { system: "lyon", ...gap },
      { system: "velib", ...gap },
    ],
  );
  for (const minute of [7, 8, 9]) coverage.observe("velib", 1, START + minute * MINUTE, 0);
  assert.deepEqual(
    coverage
      .spans()
      .filter(({ system }) => system === "velib")
      .map(({ fromMs, toMs }) => [(fromMs - START) / MINUTE, (toMs - START) / MINUTE]),
    [
      [0, 3],
      [7, 9],
    ],
  );
  assert.deepEqual(
    coverage.miss(1, 0, START + 9 * MINUTE, ["velib"]),
    [],
    "nothing is missing before what was read",
  );
});
