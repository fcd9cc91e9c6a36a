/** What was watched follows from the records, in whatever order the log's partitions are read, restarts in between or not. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Coverage } from "../../src/history/time/coverage.ts";
import type { Span } from "../../src/history/time/spans.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 24);

/** Polls at various distances; which partitions each one had something to say in. */
const polls = fc.array(
  fc.record({
    afterMinutes: fc.constantFrom(1, 1, 1, 5, 9, 20, 60, 60),
    partitions: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 3 }),
    missing: fc.integer({ min: 0, max: 15 }).map((n) => n === 0),
  }),
  { minLength: 1, maxLength: 80 },
);

interface Seen {
  readonly partition: number;
  readonly atMs: number;
  readonly missing: boolean;
}

test("coverage does not depend on which partition is read first", () => {
  fc.assert(
    fc.property(polls, fc.array(fc.nat(2), { maxLength: 240 }), fc.nat(240), (script, turns, restartAt) => {
      let atMs = START;
      const seen = script.flatMap(({ afterMinutes, partitions, missing }) => {
        atMs += afterMinutes * MINUTE;
        return partitions.map((partition): Seen => ({ partition, atMs, missing }));
      });
      const inTime = spansOf(follow(new Coverage(), seen));
      const lanes = Map.groupBy(seen, ({ partition }) => partition);
      const read = turns.flatMap((turn) => lanes.get(turn)?.splice(0, 1) ?? []);
      read.push(...[...lanes.values()].flat());
      assert.deepEqual(spansOf(follow(new Coverage(), read)), inTime);

      const before = follow(new Coverage(), read.slice(0, restartAt));
      const after = new Coverage(before.spans(), before.unsettled());
      const noneMissing = read.slice(restartAt).every(({ missing }) => !missing);
      // After a restart what is missing is missing from the end of all that was known.
      if (noneMissing) assert.deepEqual(spansOf(follow(after, read.slice(restartAt))), inTime);
    }),
    { numRuns: Number(process.env["VELO_TEST_RUNS"] ?? 300) },
  );
});

function follow(coverage: Coverage, seen: readonly Seen[]): Coverage {
  for (const { partition, atMs, missing } of seen) {
    if (missing) coverage.miss(1, partition, atMs, ["velib"]);
    coverage.observe("velib", 1, atMs, partition);
  }
  return coverage;
}

function spansOf(coverage: Coverage): readonly (readonly number[])[] {
  return coverage
    .spans()
    .map(({ fromMs, toMs }: Span) => [(fromMs - START) / MINUTE, (toMs - START) / MINUTE])
    .toSorted((a, b) => (a[0] ?? 0) - (b[0] ?? 0));
}
