/** Which totals record of an area counts, as every reader decides it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { ReadRecord } from "../../../src/record/received-record.ts";
import { LatestTotals } from "../../../src/record/latest-totals.ts";

const value = (area: string, total: number, asOf: number): string =>
  `{"postcode":"${area}","nbr_total":${total},"nbr_elec":null,"nbr_meca":null,"system_id":"velib","stations":1,"docks":null,"as_of":${asOf}}`;

const at = (key: string, offset: number, text: string | null): ReadRecord => ({
  key,
  value: text === null ? null : Buffer.from(text),
  headers: { through: `0:${offset}`, system: "velib" },
  partition: 0,
  timestampMs: 1,
});

test("what an at-least-once writer repeats is no news, and an older record neither", () => {
  const latest = new LatestTotals();
  const read = (offset: number): string =>
    latest.read(at("75001", offset, value("75001", offset, offset))).outcome;
  assert.deepEqual([4, 7, 7, 5, 8].map(read), ["latest", "latest", "repeated", "repeated", "latest"]);
});

test("a tombstone tells the area gone, and whether it was known", () => {
  const latest = new LatestTotals();
  latest.read(at("75001", 1, value("75001", 3, 1)));
  const gone = latest.read(at("75001", 2, null));
  assert.deepEqual(gone, { outcome: "latest", key: "75001", totals: null, known: true });
  assert.equal(
    latest.read(at("75001", 1, value("75001", 3, 1))).outcome,
    "repeated",
    "it does not come back",
  );
  const stranger = latest.read(at("75002", 1, null));
  assert.deepEqual(stranger, { outcome: "latest", key: "75002", totals: null, known: false });
});

test("what is no totals record, or says two areas, changes nothing", () => {
  const latest = new LatestTotals();
  assert.equal(latest.read(at("75001", 9, "{}")).outcome, "refused");
  assert.equal(latest.read(at("75001", 9, "[")).outcome, "refused");
  assert.equal(latest.read(at("75001", 9, value("75002", 1, 1))).outcome, "refused");
  assert.equal(latest.read(at("75001", 1, value("75001", 1, 1))).outcome, "latest");
});

test("after the topic was made again its offsets count anew", () => {
  const latest = new LatestTotals();
  latest.read(at("75001", 90, value("75001", 1, 1)));
  latest.forget();
  const again = latest.read(at("75001", 0, value("75001", 2, 2)));
  assert.equal(again.outcome === "latest" && again.known, false);
});

test("however a partition's records are repeated, the greatest offset of each area is what stands", () => {
  const offsets = fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fc.nat(30)), { maxLength: 60 });
  fc.assert(
    fc.property(offsets, (records) => {
      const latest = new LatestTotals();
      const standing = new Map<string, number>();
      const greatest = new Map<string, number>();
      for (const [area, offset] of records) {
        const key = `7500${area}`;
        const read = latest.read(at(key, offset, value(key, offset, 1)));
        if (read.outcome === "latest") standing.set(key, read.totals?.total ?? NaN);
        greatest.set(key, Math.max(offset, greatest.get(key) ?? 0));
      }
      assert.deepEqual(standing, greatest);
    }),
  );
});
