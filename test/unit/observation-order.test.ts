/** Which of two observations counts: one total order, each of whose steps decides only where all before it are equal. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { supersedesObservation } from "../../src/record/observation-order.ts";

const BASE = {
  observedAtMs: 1_000,
  retired: false,
  total: 5,
  electric: 2,
  mechanical: 3,
  docks: 7,
  area: "75016",
} as const;

type Ranked = Parameters<typeof supersedesObservation>[0];

/** From the first that decides to the last, each with a lower and a higher value. */
const STEPS: readonly (readonly [keyof Ranked, lower: unknown, higher: unknown])[] = [
  ["observedAtMs", 999, 1_001],
  ["retired", true, false],
  ["total", 4, 6],
  ["electric", null, 0],
  ["mechanical", null, 0],
  ["docks", null, 0],
  ["area", "75001", "75020"],
];

function wins(next: Ranked, held: Ranked): boolean {
  return supersedesObservation(next, held, held.area);
}

for (const [n, [field, lower, higher]] of STEPS.entries())
  test(`${field} decides, whatever comes after it says`, () => {
    const after = STEPS.slice(n + 1);
    const low: Ranked = {
      ...BASE,
      ...Object.fromEntries(after.map(([name, , best]) => [name, best])),
      [field]: lower,
    };
    const high: Ranked = {
      ...BASE,
      ...Object.fromEntries(after.map(([name, worst]) => [name, worst])),
      [field]: higher,
    };
    assert.ok(wins(high, low));
    assert.ok(!wins(low, high));
  });

test("an observation does not supersede itself", () => assert.ok(!wins(BASE, BASE)));

test("of any two that differ one wins, and of any three the order is one", () => {
  const count = fc.option(fc.nat(2), { nil: null });
  const ranked: fc.Arbitrary<Ranked> = fc.record({
    observedAtMs: fc.nat(1),
    retired: fc.boolean(),
    total: fc.nat(2),
    electric: count,
    mechanical: count,
    docks: count,
    area: fc.constantFrom("a", "b"),
  });
  fc.assert(
    fc.property(ranked, ranked, ranked, (a, b, c) => {
      const same = STEPS.every(([field]) => a[field] === b[field]);
      assert.equal(Number(wins(a, b)) + Number(wins(b, a)), same ? 0 : 1);
      if (wins(a, b) && wins(b, c)) assert.ok(wins(a, c));
    }),
    { numRuns: 2_000 },
  );
});
