/** What counts as a change: everything a station says but `last_reported`, in whatever order it says it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentDigest, stationsDigest } from "../../src/record/change-detection.ts";
import { decodeStation } from "../../src/domain/gbfs/station-status.ts";
import type { StationStatus } from "../../src/record/station.ts";

const value = fc.jsonValue({ maxDepth: 2 });
const fields = fc.dictionary(fc.string({ maxLength: 6 }), value, { maxKeys: 6 });

function station(source: Record<string, unknown>): StationStatus {
  const decoded = decodeStation({ ...source, station_id: "1", num_bikes_available: 3 }, new Map());
  return "reason" in decoded ? assert.fail(decoded.reason) : decoded;
}

/** The long way: the same fields with the same JSON. */
function same(a: Record<string, unknown>, b: Record<string, unknown>): boolean {
  const text = (source: Record<string, unknown>) =>
    JSON.stringify(
      Object.entries(source)
        .filter(([key]) => !["last_reported", "station_id", "num_bikes_available"].includes(key))
        .toSorted(([x], [y]) => (x < y ? -1 : 1)),
    );
  return text(a) === text(b);
}

test("two observations have one digest exactly when they say the same", () => {
  fc.assert(
    fc.property(fields, fields, fc.boolean(), (a, other, again) => {
      const b = again ? Object.fromEntries(Object.entries(a).toReversed()) : other;
      assert.equal(contentDigest(station(a)) === contentDigest(station(b)), same(a, b));
    }),
    { numRuns: 2_000 },
  );
});

test("a count that moves by one, two that swap, or null for 0 are changes", () => {
  const digests = [
    { num_docks_available: 1, x: 2 },
    { num_docks_available: 2, x: 1 },
    { num_docks_available: 1, x: 3 },
    { num_docks_available: 0, x: 2 },
    { num_docks_available: null, x: 2 },
    { x: 2 },
    { num_docks_available: 1, x: [2] },
    { num_docks_available: 1, x: "2" },
    { num_docks_available: 1, x: true },
    { num_docks_available: 1, x: false },
    { num_docks_available: 1, x: 2 + 2 ** 33 },
  ].map((source) => contentDigest(station(source)));
  assert.equal(new Set(digests).size, digests.length);
});

test("last_reported that moves alone is none, nor is another order of stations", () => {
  assert.equal(contentDigest(station({ last_reported: 1 })), contentDigest(station({ last_reported: 2 })));
  const [a, b] = [station({ x: 1 }), { ...station({ x: 2 }), stationId: "2" }];
  assert.equal(stationsDigest([a, b]), stationsDigest([b, a]));
  assert.notEqual(stationsDigest([a, b]), stationsDigest([a]));
  assert.notEqual(
    stationsDigest([a, b]),
    stationsDigest([
      { ...a, stationId: "2" },
      { ...b, stationId: "1" },
    ]),
    "two stations that swap their counts have changed",
  );
});

test("no two of 200,000 observations share a digest", () => {
  const seen = new Set<number>();
  for (let bikes = 0; bikes < 100; bikes += 1)
    for (let docks = 0; docks < 100; docks += 1)
      for (let x = 0; x < 20; x += 1)
        seen.add(contentDigest({ ...station({}), total: bikes, source: { a: bikes, b: docks, c: x } }));
  assert.equal(seen.size, 100 * 100 * 20);
});
