/** The collection's rules one by one, on a town of few stations: what a plan holds, and what is remembered of it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  Collection,
  REFRESH_AFTER_MS,
  type CollectionOptions,
  type Plan,
} from "../../src/domain/collection.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import { areaPartitionKey, partitionOf } from "../../src/record/partitioning.ts";
import { decodeRawRecord, type RawRecord } from "../../src/record/raw-record.ts";
import type { StationInformation } from "../../src/record/station.ts";
import type { OtherWriter } from "../../src/record/writer.ts";

const NOW_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;
const PARTITIONS = 3;
const SYSTEM = "town";

interface Listed {
  readonly id: string;
  readonly bikes?: number;
  readonly area?: string;
  readonly name?: string;
}

/** A collection whose polls are written as lists, and what stands in its topic. */
class Town {
  readonly collection: Collection;
  #nowMs = NOW_MS;

  constructor(options: Partial<CollectionOptions> = {}) {
    this.collection = new Collection({
      systemId: SYSTEM,
      mode: "changes",
      simulated: false,
      resolveArea: (information) => ({ area: information?.regionId ?? "none", rule: "region" }),
      ...options,
    });
  }

  get nowMs(): number {
    return this.#nowMs;
  }

  plan(stations: readonly Listed[], afterMs = MINUTE_MS, unwanted: readonly string[] = []): Plan {
    this.#nowMs += afterMs;
    const records = stations.map(({ id, bikes = 3 }) => ({ station_id: id, num_bikes_available: bikes }));
    const status = decodeStationStatus({ data: { stations: records } }, new Map()) ?? assert.fail();
    return this.collection.plan({
      observedAtMs: this.#nowMs,
      stations: status.stations,
      unreadable: new Set(),
      unwanted: new Set(unwanted),
      information: new Map(stations.map((one) => [one.id, informationOf(one)])),
      partitionCount: PARTITIONS,
    });
  }

  poll(stations: readonly Listed[], afterMs = MINUTE_MS, unwanted: readonly string[] = []): Plan {
    const plan = this.plan(stations, afterMs, unwanted);
    this.collection.acknowledge(plan);
    return plan;
  }
}

function informationOf({ id, area = "north", name = `Station ${id}` }: Listed): StationInformation {
  const place = { lat: 48 + Number(id) / 100, lon: 2, capacity: 20 };
  return { stationId: id, stationCode: null, name, ...place, postCode: null, regionId: area };
}

/** `1`, `1 retired`, `1 gone` for each record of a plan. */
function told({ records }: Plan): string[] {
  return records.map(({ key, value }) => {
    const id = key.slice(SYSTEM.length + 1);
    if (value === null) return `${id} gone`;
    return value.includes('"retired":true') ? `${id} retired` : id;
  });
}

function valueOf({ records }: Plan, index: number): Record<string, unknown> {
  return JSON.parse(records[index]?.value ?? "null") as Record<string, unknown>;
}

function recordOf(id: string, fields: object = {}): RawRecord {
  const value = {
    system_id: SYSTEM,
    station_id: id,
    postcode: "north",
    slot: 0,
    nbr_total: 3,
    nbr_elec: null,
    nbr_meca: null,
    nbr_docks: null,
    observed_at: NOW_MS,
    area_rule: "region",
    ...fields,
  };
  const decoded = decodeRawRecord(null, JSON.stringify(value), NOW_MS + 10 * MINUTE_MS, () => null);
  return decoded.ok ? decoded.record : assert.fail(decoded.reject.reason);
}

const NORTH = partitionOf(areaPartitionKey(SYSTEM, "north"), PARTITIONS);

/** @param startedMs before or after the collector of these tests, which started at 500 */
function other(seenAtMs: number, startedMs = 100): OtherWriter {
  const collector = `host/1/${startedMs.toString(36)}`;
  return { collector, feed: "feed", stations: "all", header: `${collector} feed all`, seenAtMs };
}

test("publishes a station again when its counts, its name or its place in the city change, and else not", () => {
  const town = new Town();
  const both = [{ id: "1" }, { id: "2" }];
  assert.deepEqual(told(town.poll(both)), ["1", "2"]);
  assert.deepEqual(told(town.poll(both)), []);
  assert.deepEqual(told(town.poll([{ id: "1", bikes: 4 }, { id: "2" }])), ["1"]);
  const renamed = [
    { id: "1", bikes: 4 },
    { id: "2", name: "Town hall" },
  ];
  assert.deepEqual(told(town.poll(renamed)), ["2"]);
  assert.deepEqual(told(town.poll(renamed)), []);
});

test("publishes an unchanged station again an hour after the last time", () => {
  const town = new Town();
  const published = town.poll([{ id: "1" }]);
  assert.equal(published.published, 1);
  // The heartbeat keeps a silent town from being forgotten: of two stations one is always newer.
  const town2 = new Town();
  town2.poll([{ id: "1" }, { id: "2" }]);
  let bikes = 3;
  for (let sinceMs = 4 * MINUTE_MS; sinceMs < REFRESH_AFTER_MS; sinceMs += 4 * MINUTE_MS)
    assert.deepEqual(told(town2.poll([{ id: "1" }, { id: "2", bikes: (bikes += 1) }], 4 * MINUTE_MS)), ["2"]);
  assert.deepEqual(told(town2.poll([{ id: "1" }, { id: "2", bikes }], 4 * MINUTE_MS)), ["1"]);
});

test("a station that leaves says its last word where it was, then goes; the counts of the plan say so", () => {
  const town = new Town();
  town.poll([{ id: "1" }, { id: "2" }]);
  for (const n of [1, 2]) assert.deepEqual(told(town.poll([{ id: "1" }])), [], `poll ${n}`);
  const last = town.poll([{ id: "1" }]);
  assert.deepEqual(told(last), ["2 retired", "2 gone"]);
  assert.deepEqual([last.retired, last.published, last.moved], [1, 0, 0]);
  assert.equal(valueOf(last, 0)["nbr_total"], 0);
  assert.equal(town.collection.stationCount, 1);
  // It is new when it comes again, and must be absent as long again.
  assert.deepEqual(told(town.poll([{ id: "1" }, { id: "2" }])), ["2"]);
  for (const _ of [1, 2]) assert.ok(!told(town.poll([{ id: "1" }])).includes("2 gone"));
});

test("a station that moves leaves its old area before it enters the new one", () => {
  const town = new Town();
  town.poll([{ id: "1" }, { id: "2" }]);
  const moved = town.poll([{ id: "1", area: "south" }, { id: "2" }]);
  assert.deepEqual(told(moved), ["1 retired", "1 gone", "1"]);
  assert.deepEqual([moved.moved, moved.published, moved.retired], [1, 1, 0]);
  assert.equal(valueOf(moved, 0)["postcode"], "north");
  assert.equal(valueOf(moved, 2)["postcode"], "south");
  // Its slot in the north is free again, and it has the first one in the south.
  assert.equal(valueOf(moved, 2)["slot"], 0);
  assert.equal(valueOf(town.poll([{ id: "1", area: "south" }, { id: "2" }, { id: "3" }]), 0)["slot"], 0);
});

test("a plan that the log never took changes nothing: the next one says the same, slots and all", () => {
  const town = new Town();
  const first = town.plan([{ id: "1" }, { id: "2" }]);
  const second = town.poll([{ id: "1" }, { id: "2" }]);
  assert.deepEqual(told(second), told(first));
  assert.deepEqual(
    [0, 1].map((n) => valueOf(second, n)["slot"]),
    [0, 1],
  );
  assert.deepEqual(told(town.poll([{ id: "1" }, { id: "2" }])), []);
});

test("the first of two records with one id stands", () => {
  const town = new Town();
  const plan = town.poll([
    { id: "1", bikes: 4 },
    { id: "1", bikes: 9 },
  ]);
  assert.deepEqual(told(plan), ["1"]);
  assert.equal(valueOf(plan, 0)["nbr_total"], 4);
});

test("a poll older than what is published takes nothing back", () => {
  const town = new Town();
  town.poll([{ id: "1", bikes: 4 }]);
  assert.deepEqual(told(town.poll([{ id: "1", bikes: 9 }], -1)), []);
  assert.deepEqual(told(town.poll([{ id: "1", bikes: 9 }], 1)), ["1"]);
});

test("what a selection leaves out is neither absent nor ever retired, and is counted apart", () => {
  const town = new Town();
  town.collection.restore(recordOf("8", { slot: 0 }), NORTH, false);
  town.collection.restore(recordOf("9", { slot: 1 }), NORTH, false);
  town.poll([{ id: "1" }], MINUTE_MS, ["8"]);
  assert.deepEqual([town.collection.stationCount, town.collection.unwantedCount], [1, 2]);
  for (let n = 0; n < 40; n += 1)
    assert.ok(!told(town.poll([{ id: "1" }], MINUTE_MS, ["8"])).some((one) => one.includes("gone")));
  assert.deepEqual(told(emptied(town)), ["1 retired", "1 gone"]);
});

test("a station wanted before, left out by the feed's selection now, is not absent", () => {
  const town = new Town();
  town.poll([{ id: "1" }, { id: "2" }]);
  for (let n = 0; n < 4; n += 1) assert.deepEqual(told(town.poll([{ id: "1" }], MINUTE_MS, ["2"])), []);
});

function emptied(town: Town, ownOnly = false): Plan {
  return town.collection.planRetirement(town.nowMs, ownOnly);
}

test("a restored station is published by the first poll, and has no claim to be this run's own", () => {
  const town = new Town();
  town.collection.restore(recordOf("1"), NORTH);
  assert.deepEqual(told(emptied(town, true)), []);
  assert.deepEqual(told(emptied(town)), ["1 retired", "1 gone"]);
  assert.deepEqual(told(town.poll([{ id: "1" }])), ["1"]);
  assert.deepEqual(told(emptied(town, true)), ["1 retired", "1 gone"]);
  const plan = emptied(town);
  assert.deepEqual([plan.retired, plan.published, plan.moved, plan.renumbered], [1, 0, 0, 0]);
  town.collection.acknowledge(plan);
  assert.equal(town.collection.stationCount, 0);
});

test("of restored records the newest counts, and a last word elsewhere does not take a station away", () => {
  const town = new Town();
  town.collection.restore(recordOf("1", { observed_at: NOW_MS, slot: 4 }), NORTH);
  town.collection.restore(recordOf("1", { observed_at: NOW_MS - 1, slot: 9 }), NORTH);
  town.collection.restore(recordOf("1", { retired: true, nbr_total: 0 }), NORTH + 1);
  assert.equal(town.collection.stationCount, 1);
  assert.equal(valueOf(town.poll([{ id: "1" }]), 0)["slot"], 4);
  town.collection.restore(recordOf("1", { retired: true, nbr_total: 0 }), NORTH);
  assert.equal(town.collection.stationCount, 0);
});

test("simulated stations leave before anything real is published; a simulated town leaves real ones alone", () => {
  const town = new Town();
  town.collection.restore(recordOf("1", { simulated: true }), NORTH);
  town.collection.restore(recordOf("2"), NORTH);
  assert.equal(town.collection.mixedCount, 1);
  const plan = town.poll([{ id: "1" }, { id: "2" }]);
  assert.deepEqual(told(plan), ["1 retired", "1 gone", "1", "2"]);
  assert.equal(plan.retired, 1);
  assert.equal(plan.published, 2);
  assert.equal(town.collection.mixedCount, 0);

  const simulated = new Town({ simulated: true });
  simulated.collection.restore(recordOf("1"), NORTH);
  assert.equal(simulated.collection.mixedCount, 1);
  assert.deepEqual(told(simulated.plan([{ id: "2" }])), ["2"]);
});

test("a station that another took out while the feed has it comes back, and the plan says who", () => {
  const town = new Town();
  town.poll([{ id: "1" }]);
  const writer = other(town.nowMs);
  town.collection.learn("1", null, NORTH, writer);
  const plan = town.poll([{ id: "1" }]);
  assert.deepEqual(told(plan), ["1"]);
  assert.deepEqual([...plan.returned], [["1", writer]]);
  assert.equal(town.poll([{ id: "1" }]).returned.size, 0);
});

test("what another collector at work wrote last is its own to retire; silent for a quarter of an hour it is not", () => {
  const town = new Town();
  town.poll([{ id: "1" }, { id: "2" }]);
  const writer = other(town.nowMs);
  town.collection.learn("2", recordOf("2", { observed_at: town.nowMs, slot: 1 }), NORTH, writer);
  for (let n = 0; n < 5; n += 1) {
    writer.seenAtMs = town.nowMs + MINUTE_MS;
    assert.deepEqual(
      told(town.poll([{ id: "1" }])).filter((one) => one.includes("gone")),
      [],
    );
  }
  assert.deepEqual(told(emptied(town)), ["1 retired", "1 gone"]);
  const gone = Array.from({ length: 20 }, () => told(town.poll([{ id: "1" }])));
  assert.ok(gone.flat().includes("2 gone"));
});

test("of what another wrote only this run's own is taken out as its own", () => {
  const town = new Town();
  town.poll([{ id: "1" }, { id: "2" }]);
  town.collection.learn(
    "2",
    recordOf("2", { observed_at: town.nowMs, nbr_total: 3, slot: 1 }),
    NORTH,
    other(0),
  );
  assert.deepEqual(told(emptied(town, true)), ["1 retired", "1 gone"]);
  assert.deepEqual(told(emptied(town)), ["1 retired", "1 gone", "2 retired", "2 gone"]);
});

test("what another wrote is put right when it says otherwise than the feed, and left when it says the same", () => {
  const town = new Town();
  const [one] = town.poll([{ id: "1" }]).records;
  const same = JSON.parse(one?.value ?? "") as object;
  const writer = other(town.nowMs);
  town.collection.learn("1", recordOf("1", { ...same, observed_at: town.nowMs }), NORTH, writer);
  assert.deepEqual(told(town.poll([{ id: "1" }], 1)), []);
  // What a poll has confirmed is compared as our own: an empty news is none.
  assert.deepEqual(told(town.poll([{ id: "1" }], 1)), []);
  town.collection.learn(
    "1",
    recordOf("1", { ...same, nbr_total: 9, observed_at: town.nowMs }),
    NORTH,
    writer,
  );
  assert.deepEqual(told(town.poll([{ id: "1" }], 1)), ["1"]);
});

test("an older record of another's that stands behind ours is followed by ours once more", () => {
  const town = new Town();
  town.poll([{ id: "1" }, { id: "2" }]);
  town.collection.learn("1", recordOf("1", { observed_at: NOW_MS - 1 }), NORTH, other(town.nowMs));
  assert.deepEqual(told(town.poll([{ id: "1" }, { id: "2" }], 1)), ["1"]);
  assert.deepEqual(told(town.poll([{ id: "1" }, { id: "2" }], 1)), []);
  // Unless one of ours was read back behind it.
  town.collection.learn("1", recordOf("1", { observed_at: NOW_MS - 1 }), NORTH, other(town.nowMs));
  town.collection.learnOwn("1");
  assert.deepEqual(told(town.poll([{ id: "1" }, { id: "2" }], 1)), []);
});

test("of two that put a station into different areas the one that started last decides, and both know", () => {
  for (const [startedMs, theirs, ids] of [
    [500, 100, ["1 retired", "1 gone", "1"]],
    [500, 500, ["1 retired", "1 gone", "1"]],
    [500, 900, []],
  ] as const) {
    const town = new Town({ startedMs });
    town.poll([{ id: "1" }]);
    const writer = other(town.nowMs, theirs);
    const south = partitionOf(areaPartitionKey(SYSTEM, "south"), PARTITIONS);
    const moved = recordOf("1", { postcode: "south", observed_at: town.nowMs });
    town.collection.learn("1", moved, south, writer);
    const plan = town.poll([{ id: "1" }]);
    assert.deepEqual(told(plan), ids);
    assert.deepEqual([...plan.contested], [["1", writer]]);
  }
});

test("renumbered stations leave before their successors come, and are counted", () => {
  const town = new Town();
  town.poll([{ id: "1" }, { id: "2" }, { id: "3" }]);
  const renamed = ["1", "2", "3"].map((id) => ({ ...informationOf({ id }), stationId: `${id}00` }));
  const status = renamed.map(({ stationId }) => ({ station_id: stationId, num_bikes_available: 3 }));
  const decoded = decodeStationStatus({ data: { stations: status } }, new Map()) ?? assert.fail();
  const plan = town.collection.plan({
    observedAtMs: town.nowMs + MINUTE_MS,
    stations: decoded.stations,
    unreadable: new Set(),
    information: new Map(renamed.map((one) => [one.stationId, one])),
    partitionCount: PARTITIONS,
  });
  assert.deepEqual(told(plan), [
    "1 retired",
    "1 gone",
    "2 retired",
    "2 gone",
    "3 retired",
    "3 gone",
    "100",
    "200",
    "300",
  ]);
  assert.deepEqual([plan.renumbered, plan.retired, plan.published], [3, 3, 3]);
});
