/** The totals of an area, case by case: what is news, what is said of an area that empties, and of unknown splits. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { AreaTotals, type TotalsChange } from "../../src/domain/area-totals.ts";
import type { Observation } from "../../src/record/raw-record.ts";

let clockMs = 1_000;

function observed(fields: Partial<Observation> = {}): Observation {
  return {
    systemId: "velib",
    stationId: "1",
    area: "75001",
    total: 5,
    electric: 2,
    mechanical: 3,
    docks: 7,
    observedAtMs: (clockMs += 1_000),
    retired: false,
    simulated: false,
    ...fields,
  };
}

function totalsWith(...observations: readonly Observation[]): AreaTotals {
  const totals = new AreaTotals();
  for (const one of observations) totals.apply(one);
  totals.drain();
  return totals;
}

function only(changes: readonly TotalsChange[]): TotalsChange {
  assert.equal(changes.length, 1);
  return changes[0] ?? assert.fail();
}

for (const [what, before, after] of [
  ["a total", {}, { total: 6 }],
  ["the electric ones", {}, { electric: 1 }],
  ["the mechanical ones", {}, { mechanical: 4 }],
  ["the free docks", {}, { docks: 8 }],
  ["electric ones that become known as none", { electric: null }, { electric: 0 }],
  ["mechanical ones that become known as none", { mechanical: null }, { mechanical: 0 }],
  ["docks that become known as none", { docks: null }, { docks: 0 }],
  ["electric ones that are no longer known", { electric: 0 }, { electric: null }],
  ["mechanical ones that are no longer known", { mechanical: 0 }, { mechanical: null }],
  ["docks that are no longer known", { docks: 0 }, { docks: null }],
] as const)
  test(`${what} alone are news`, () => {
    const totals = totalsWith(observed(before));
    totals.apply(observed({ ...before, ...after }));
    const fields = { total: 5, electric: 2, mechanical: 3, docks: 7, ...before, ...after };
    const { totals: now } = only(totals.drain());
    const { total, electric, mechanical, docks } = now ?? assert.fail();
    assert.deepEqual({ total, electric, mechanical, docks }, fields);
  });

test("a station without a split that is known is counted as one, whichever half is missing", () => {
  const totals = totalsWith(
    observed(),
    observed({ stationId: "2", electric: null }),
    observed({ stationId: "3", mechanical: null }),
    observed({ stationId: "4", electric: null, mechanical: null, docks: null }),
  );
  const [[, now] = assert.fail()] = [...totals.totals()];
  assert.deepEqual(
    [now.total, now.electric, now.mechanical, now.docks, now.stations, now.stationsWithoutSplit],
    [20, 4, 6, 21, 4, 3],
  );
  // One fewer without a split is news, though no sum moves.
  totals.apply(observed({ stationId: "2", electric: 0 }));
  assert.equal(only(totals.drain()).totals?.stationsWithoutSplit, 2);
});

test("one station more that has nothing is news", () => {
  const totals = totalsWith(observed());
  totals.apply(observed({ stationId: "2", total: 0, electric: 0, mechanical: 0, docks: 0 }));
  assert.equal(only(totals.drain()).totals?.stations, 2);
});

test("the same content at a later time is none", () => {
  const totals = totalsWith(observed());
  totals.apply(observed());
  assert.deepEqual(totals.drain(), []);
});

test("sums that go back to what they were within a batch are none", () => {
  const totals = totalsWith(observed());
  totals.apply(observed({ total: 9 }));
  totals.apply(observed());
  assert.deepEqual(totals.drain(), []);
});

test("an area that empties gets a tombstone of when its last station went, once", () => {
  const totals = totalsWith(observed());
  assert.ok(totals.apply(observed({ retired: true, total: 0, observedAtMs: 500_000 })));
  const gone = only(totals.drain());
  assert.deepEqual(gone, {
    key: "75001",
    plainKey: "75001",
    systemId: "velib",
    totals: null,
    emptiedAtMs: 500_000,
  });
  assert.ok(totals.remove("velib:1", 500_001));
  assert.deepEqual(totals.drain(), []);
  assert.equal(totals.stationCount, 0);
  assert.equal(totals.areaCount, 0);
  clockMs = 500_000;
});

test("an area that was never told of gets no tombstone", () => {
  const totals = new AreaTotals();
  totals.apply(observed());
  totals.remove("velib:1", clockMs);
  assert.deepEqual(totals.drain(), []);
});

test("a tombstone of a station that is not there takes nothing away", () => {
  const totals = totalsWith(observed());
  assert.ok(!totals.remove("velib:2", clockMs));
  assert.deepEqual(totals.drain(), []);
});

test("an older observation is told to be one, and changes nothing", () => {
  const [old, next] = [observed({ total: 1 }), observed({ total: 2 })];
  const totals = totalsWith(next);
  assert.ok(!totals.apply(old));
  assert.deepEqual(totals.drain(), []);
});

test("a station that moves leaves one area and enters the other", () => {
  const totals = totalsWith(observed(), observed({ stationId: "2" }));
  totals.apply(observed({ area: "75002" }));
  const changes = totals.drain();
  assert.deepEqual(
    changes.map(({ key, totals: now }) => [key, now?.stations]),
    [
      ["75001", 1],
      ["75002", 1],
    ],
  );
});

test("what was published is unknown: every area once more, and a tombstone for the one that emptied meanwhile", () => {
  const totals = totalsWith(observed(), observed({ stationId: "2", area: "75002" }));
  totals.remove("velib:2", clockMs);
  totals.forgetDrained();
  assert.deepEqual(
    new Map(totals.drain().map(({ key, totals: now }) => [key, now?.total ?? null])),
    new Map([
      ["75001", 5],
      ["75002", null],
    ]),
  );
});

test("one area is drained alone, by its own key or its plain one; what it said is not said again", () => {
  const totals = new AreaTotals();
  totals.apply(observed({ systemId: "lyon", area: "Zone: A" }));
  totals.apply(observed({ stationId: "2" }));
  assert.ok(totals.hasFormerAreaKeys);
  assert.equal(totals.drainArea("lyon:Zone%3A A").totals?.area, "Zone: A");
  assert.equal(totals.drainArea("lyon:Zone: A").key, "lyon:Zone%3A A");
  assert.deepEqual(
    totals.drain().map(({ key }) => key),
    ["75001"],
  );
  totals.remove("velib:2", 77);
  assert.deepEqual([totals.drainArea("75001").totals, totals.areaCount], [null, 1]);
  assert.equal(totals.drainArea("75001").emptiedAtMs, null, "nothing is known of it any more");
});

test("the newest time counts, and of an area that begins anew its own", () => {
  const totals = totalsWith(observed({ observedAtMs: 9_000_000 }));
  totals.apply(observed({ stationId: "2", observedAtMs: 8_000_000 }));
  assert.equal(only(totals.drain()).totals?.asOfMs, 9_000_000);
  totals.remove("velib:1", 0);
  totals.remove("velib:2", 0);
  totals.apply(observed({ stationId: "3", observedAtMs: 7_000_000 }));
  assert.equal(only(totals.drain()).totals?.asOfMs, 7_000_000);
});

test("real data that become simulated say so", () => {
  const totals = totalsWith(observed());
  totals.apply(observed({ simulated: true, total: 6 }));
  assert.equal(only(totals.drain()).totals?.simulated, true);
});
