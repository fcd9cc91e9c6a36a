/** Slots of an area: the smallest free one, kept while its station is there, given again after. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Slots } from "../../src/domain/slots.ts";

test("gives the smallest free slot of each area, against a list that is searched from its start", () => {
  const step = fc.record({
    area: fc.constantFrom("north", "south"),
    slot: fc.nat(6),
    what: fc.constantFrom("take", "take", "want", "release"),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const slots = new Slots();
      const taken = { north: new Set<number>(), south: new Set<number>() };
      for (const { area, slot, what } of steps) {
        const own = taken[area];
        if (what === "release") {
          slots.release(area, slot);
          own.delete(slot);
          continue;
        }
        let expected = what === "want" && !own.has(slot) ? slot : 0;
        while (own.has(expected)) expected += 1;
        assert.equal(slots.take(area, `of ${expected}`, what === "want" ? slot : null), expected);
        own.add(expected);
        assert.equal(slots.holderOf(area, expected), `of ${expected}`);
      }
    }),
    { numRuns: 1_000 },
  );
});
