/** Invariants 1 to 3 of the design: totals equal a recount, whatever the history, the order and the batches. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AreaTotals } from "../../src/domain/area-totals.ts";
import type { Totals } from "../../src/record/totals-record.ts";
import { observation, recount, step, type Step } from "../support/history.ts";

/** 10,000 histories in all (issue 2). fast-check prints the seed of a failure. */
const RUNS = { numRuns: 4_000 };

function apply(totals: AreaTotals, next: Step): void {
  if (next.kind === "observe") totals.apply(next.observation);
  else totals.remove(next.key, 0);
}

function sorted<T>(entries: Iterable<readonly [string, T]>): [string, T][] {
  return [...entries].map(([key, value]): [string, T] => [key, value]).sort(([a], [b]) => (a < b ? -1 : 1));
}

function timeless({ asOfMs, ...totals }: Totals): Omit<Totals, "asOfMs"> {
  assert.ok(asOfMs > 0);
  return totals;
}

function withoutTime(entries: Iterable<readonly [string, Totals]>): [string, Omit<Totals, "asOfMs">][] {
  return sorted([...entries].map(([key, totals]) => [key, timeless(totals)] as const));
}

test("totals equal a recount after every step", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const totals = new AreaTotals();
      steps.forEach((next, index) => {
        apply(totals, next);
        assert.deepEqual(withoutTime(totals.totals()), sorted(recount(steps.slice(0, index + 1))));
      });
    }),
    RUNS,
  );
});

test("what is drained, batch by batch, replays to the same table, and nothing is drained that did not change", () => {
  fc.assert(
    fc.property(fc.array(fc.array(step, { maxLength: 8 }), { maxLength: 8 }), (batches) => {
      const totals = new AreaTotals();
      const table = new Map<string, Totals>();
      for (const batch of batches) {
        for (const next of batch) apply(totals, next);
        const changes = totals.drain();
        assert.equal(
          new Set(changes.map((change) => change.key)).size,
          changes.length,
          "an area once per batch",
        );
        for (const { key, totals } of changes) {
          const before = table.get(key);
          if (totals === null) {
            assert.ok(before !== undefined, "a tombstone only for a published area");
            table.delete(key);
          } else {
            if (before !== undefined) assert.notDeepEqual({ ...before, asOfMs: 0 }, { ...totals, asOfMs: 0 });
            table.set(key, totals);
          }
        }
        assert.deepEqual(
          withoutTime(table),
          sorted(
            recount(batches.flat().slice(0, batches.slice(0, batches.indexOf(batch) + 1).flat().length)),
          ),
        );
      }
    }),
    RUNS,
  );
});

test("repeated and reordered observations, split into other batches, give the same totals", () => {
  fc.assert(
    fc.property(
      fc.array(observation, { maxLength: 30 }).chain((history) =>
        fc.tuple(
          fc.constant(history),
          fc.shuffledSubarray([...history, ...history], {
            minLength: history.length * 2,
            maxLength: history.length * 2,
          }),
          fc.nat({ max: 7 }),
        ),
      ),
      ([history, shuffled, batchSize]) => {
        const straight = new AreaTotals();
        for (const next of history) straight.apply(next);
        const other = new AreaTotals();
        shuffled.forEach((next, index) => {
          other.apply(next);
          if (index % (batchSize + 1) === 0) other.drain();
        });
        assert.deepEqual(withoutTime(other.totals()), withoutTime(straight.totals()));
      },
    ),
    RUNS,
  );
});

test("a state whose published totals are unknown publishes every area again", () => {
  const totals = new AreaTotals();
  totals.apply({
    systemId: "velib",
    stationId: "1",
    area: "75001",
    total: 3,
    electric: 1,
    mechanical: 2,
    docks: 4,
    observedAtMs: 1,
    retired: false,
    simulated: false,
  });
  assert.equal(totals.drain().length, 1);
  assert.equal(totals.drain().length, 0);
  totals.forgetDrained();
  assert.equal(totals.drain().length, 1);
});
