/** A stretch of history is cut where the log's order and that of time agree, and nowhere else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cutsOf, type HourBounds } from "../../../src/history/playback/cuts.ts";

const bounds = (partition: number, ...hours: readonly (readonly [number, number, number])[]): HourBounds[] =>
  hours.map(([hour, first, last]) => ({ partition, hour, first, last }));

test("in order, every hour is a cut, and so are hours without rows", () => {
  const canCut = cutsOf(bounds(0, [0, 1, 10], [1, 11, 20], [5, 21, 30]));
  assert.deepEqual([0, 1, 2, 5, 6, 99].filter(canCut), [0, 1, 2, 5, 6, 99]);
});

test("a clock set back closes every hour between, those without rows too", () => {
  const canCut = cutsOf(bounds(0, [0, 1, 40], [4, 6, 30], [5, 41, 50]));
  assert.deepEqual([-1, 0, 1, 2, 3, 4, 5, 6].filter(canCut), [-1, 0, 5, 6]);
});

test("one partition is enough", () => {
  const canCut = cutsOf([...bounds(0, [0, 1, 10], [1, 11, 20]), ...bounds(1, [0, 5, 30], [1, 6, 29])]);
  assert.deepEqual([0, 1, 2].filter(canCut), [0, 2]);
});

test("says what a look at every row says", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: -3, max: 9 })), { maxLength: 40 }),
      (rows) => {
        const found = rows.map(([partition, hour], offset) => ({
          partition,
          hour,
          first: offset,
          last: offset,
        }));
        const groups = Map.groupBy(found, ({ partition, hour }) => `${partition} ${hour}`);
        const joined = [...groups.values()].map((same) => ({
          partition: same[0]?.partition ?? 0,
          hour: same[0]?.hour ?? 0,
          first: Math.min(...same.map(({ first }) => first)),
          last: Math.max(...same.map(({ last }) => last)),
        }));
        const canCut = cutsOf(joined);
        for (let cut = -4; cut <= 10; cut += 1)
          assert.equal(
            canCut(cut),
            !found.some((a) =>
              found.some(
                (b) => a.partition === b.partition && a.hour < cut && b.hour >= cut && a.last > b.first,
              ),
            ),
          );
      },
    ),
  );
});
