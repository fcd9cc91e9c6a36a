/** A short run of the fuzzer; `npm run fuzz` is the long one. */
import { test } from "node:test";
import fc from "fast-check";
import { fuzzOnce } from "../support/fuzz/gbfs-files.ts";
import { oddFeedOnce } from "../support/fuzz/odd-feed.ts";
import { seeded } from "../support/fuzz/target.ts";

test("no file, however bent, makes the decoders throw, lose a station, or write what cannot be read back", () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => fuzzOnce(seeded(seed))),
    { numRuns: 1_500 },
  );
});

test("odd feeds of any version, poll by poll: totals per area are what a careful person would say", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), async (seed) => oddFeedOnce(seeded(seed))),
    { numRuns: 150 },
  );
});
