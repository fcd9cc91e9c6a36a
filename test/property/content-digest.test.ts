/** What counts as a change: everything a station says but `last_reported`, in whatever order it says it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  observation,
  recordDigest,
  sameInformation,
  stationsDigest,
} from "../../src/record/change-detection.ts";
import { decodeStation } from "../../src/domain/gbfs/station-status.ts";
import type { StationSaid, StationStatus } from "../../src/record/station.ts";

const value = fc.jsonValue({ maxDepth: 2 });
const fields = fc.dictionary(fc.string({ maxLength: 6 }), value, { maxKeys: 6 });

function station(source: Record<string, unknown>): StationStatus {
  const decoded = decodeStation({ ...source, station_id: "1", num_bikes_available: 3 }, new Map());
  return "reason" in decoded ? assert.fail(decoded.reason) : decoded;
}

function contentDigest(said: StationSaid): number {
  return observation(said).contentDigest;
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
  const [a, b] = [station({ x: 1 }), observation({ ...station({ x: 2 }), stationId: "2" })];
  assert.equal(stationsDigest([a, b]), stationsDigest([b, a]));
  assert.notEqual(stationsDigest([a, b]), stationsDigest([a]));
  assert.notEqual(
    stationsDigest([a, b]),
    stationsDigest([observation({ ...a, stationId: "2" }), observation({ ...b, stationId: "1" })]),
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

/** The same JSON, as far as the digest tells: 1.5 from "1.5" it does not. */
function textOf(one: unknown): string {
  return JSON.stringify(one, (_, part: unknown) =>
    typeof part === "number" && !Number.isInteger(part) ? String(part) : part,
  );
}

test("one value inside one field decides, however deep it stands", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
      // Numbers beyond 2^64 are nobody's counts, and the order of fields is no change.
      fc.pre(!/\{|e\+|\d{19}/.test(JSON.stringify([a, b])));
      assert.equal(
        contentDigest(station({ x: a })) === contentDigest(station({ x: b })),
        textOf(a) === textOf(b),
      );
    }),
    { numRuns: 3_000 },
  );
  const values = [
    null,
    true,
    false,
    0,
    1,
    -1,
    2 ** 40,
    0.5,
    "",
    "a",
    "ab",
    "ba",
    [],
    [1],
    [1, 2],
    [2, 1],
    [[1], 2],
  ];
  const objects = [{ a: 1 }, { a: 2 }, { b: 1 }, { a: 1, b: 2 }, { a: 2, b: 1 }, { a: { b: 1 } }, { a: [1] }];
  const all = [...values, ...objects];
  assert.equal(new Set(all.map((x) => contentDigest(station({ x })))).size, all.length);
});

test("counts that another file explains are content, though the served object stays", () => {
  const base = station({});
  const counts = ["total", "electric", "mechanical", "docks"] as const;
  const digests = counts.flatMap((name) => [1, 2].map((n) => contentDigest({ ...base, [name]: n + 40 })));
  assert.equal(new Set([contentDigest(base), ...digests]).size, digests.length + 1);
});

test("of two records that differ in when and where they were made the content is one", () => {
  const value = {
    x: 1,
    observed_at: 1,
    slot: 1,
    area_rule: "region",
    postcode: "a",
    station_id: 1,
    last_reported: 1,
  };
  const other = { x: 1, observed_at: 2, slot: 2, area_rule: "system", postcode: "b", station_id: "1" };
  assert.equal(recordDigest(value), recordDigest(other));
  assert.equal(recordDigest(value), recordDigest({ x: 1 }));
  assert.notEqual(recordDigest(value), recordDigest({ ...value, x: 2 }));
  assert.notEqual(recordDigest(value), recordDigest({ ...value, nbr_total: 1 }));
});

test("information says the same when name, place and capacity do, and nothing else of it counts", () => {
  const one = {
    stationId: "1",
    stationCode: "16107",
    name: "Godard",
    lat: 48,
    lon: 2,
    capacity: 35,
    postCode: null,
    regionId: null,
  };
  assert.ok(sameInformation(undefined, undefined));
  assert.ok(sameInformation(one, { ...one }));
  assert.ok(sameInformation(one, { ...one, stationCode: null, postCode: "75016", regionId: "r" }));
  for (const other of [{ name: "Hugo" }, { name: null }, { lat: 49 }, { lon: 3 }, { capacity: null }])
    assert.ok(!sameInformation(one, { ...one, ...other }), JSON.stringify(other));
  assert.ok(!sameInformation(one, undefined));
  assert.ok(!sameInformation(undefined, one));
});
