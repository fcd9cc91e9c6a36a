/** Every dialect and quirk of GBFS files that velostream survives; docs/quirks.md is the table of these. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeDiscovery, understoodVersions, versionRank } from "../../../src/domain/gbfs/discovery.ts";
import { decodeStationInformation } from "../../../src/domain/gbfs/station-information.ts";
import { decodeStationStatus } from "../../../src/domain/gbfs/station-status.ts";
import {
  decodeSystemAlerts,
  decodeSystemInformation,
  decodeSystemRegions,
} from "../../../src/domain/gbfs/system-files.ts";
import { decodeVehicleStatus } from "../../../src/domain/gbfs/vehicle-status.ts";
import { decodeVehicleTypes, type Propulsion } from "../../../src/domain/gbfs/propulsion.ts";
import type { StationInformation, StationStatus } from "../../../src/record/station.ts";

const TYPES: ReadonlyMap<string, Propulsion> = new Map([
  ["e", "electric"],
  ["m", "mechanical"],
  ["c", "other"],
]);

function decode(stations: readonly unknown[], head: object = {}) {
  const file = decodeStationStatus({ ...head, data: { stations } }, TYPES);
  assert.ok(file !== null);
  return file;
}

/** The one station of a file that must hold just that. */
function one(station: object): StationStatus {
  const { stations, rejects } = decode([{ station_id: "1", ...station }]);
  assert.deepEqual(rejects, []);
  assert.ok(stations[0] !== undefined);
  return stations[0];
}

function reasons(...stations: unknown[]): string[] {
  return decode(stations).rejects.map(({ reason }) => reason);
}

function split(station: object): (number | null)[] {
  const { total, electric, mechanical } = one(station);
  return [total, electric, mechanical];
}

function place(station: object): StationInformation {
  const first = decodeStationInformation({ data: { stations: [{ station_id: "1", ...station }] } })
    ?.stations[0];
  assert.ok(first !== undefined);
  return first;
}

// ───────────────────────────── Dialects ─────────────────────────────

test("Vélib': an array of one-key objects is the split, and the numeric id becomes text", () => {
  const { stations, rejects, ...head } = decode(
    [
      {
        station_id: 19179944124,
        num_bikes_available: 20,
        numBikesAvailable: 20,
        num_bikes_available_types: [{ mechanical: 12 }, { ebike: 8 }],
        num_docks_available: 7,
        numDocksAvailable: 7,
        is_installed: 1,
        is_returning: 1,
        is_renting: 0,
        last_reported: 1760776741,
        stationCode: "40001",
        station_opening_hours: null,
      },
    ],
    { lastUpdatedOther: 1760778556, ttl: 3600 },
  );
  assert.deepEqual(rejects, []);
  assert.deepEqual(head, { version: null, lastUpdatedMs: 1760778556000, ttlSeconds: 3600, oddities: {} });
  const { source, contentDigest: _content, countsDigest: _counts, ...station } = stations[0] ?? assert.fail();
  assert.equal(source["station_opening_hours"], null);
  assert.deepEqual(station, {
    stationId: "19179944124",
    stationCode: "40001",
    total: 20,
    electric: 8,
    mechanical: 12,
    docks: 7,
    isInstalled: true,
    isRenting: false,
    isReturning: true,
    lastReportedMs: 1760776741000,
  });
});

test("Bicing: an object instead of an array of types", () => {
  assert.deepEqual(
    split({ num_bikes_available: 5, num_bikes_available_types: { mechanical: 1, ebike: 4 } }),
    [5, 4, 1],
  );
});

test("Lyft 1.1: num_ebikes_available is part of the total", () => {
  assert.deepEqual(split({ num_bikes_available: 15, num_ebikes_available: 4 }), [15, 4, 11]);
});

test("GBFS 2.1 and later: vehicle_types_available joined with vehicle_types.propulsion_type", () => {
  const available = (...counts: [string, number][]) =>
    counts.map(([vehicle_type_id, count]) => ({ vehicle_type_id, count }));
  assert.deepEqual(
    split({ num_bikes_available: 5, vehicle_types_available: available(["e", 3], ["m", 2]) }),
    [5, 3, 2],
  );
  assert.deepEqual(split({ num_vehicles_available: 0, vehicle_types_available: [] }), [0, 0, 0]);
});

test("GBFS 1.0: no version, no types, the split is unknown and not invented", () => {
  assert.deepEqual(split({ num_bikes_available: 5, num_docks_available: 2 }), [5, null, null]);
});

test("GBFS 3: vehicles instead of bikes, RFC 3339 times, localised names", () => {
  const file = decode(
    [{ station_id: "1", num_vehicles_available: 3, last_reported: "2023-07-17T13:34:13+02:00" }],
    {
      version: "3.0",
      last_updated: "2023-07-17T13:34:13+02:00",
      ttl: 0,
    },
  );
  assert.deepEqual([file.version, file.lastUpdatedMs, file.ttlSeconds], ["3.0", 1689593653000, 0]);
  assert.equal(file.stations[0]?.lastReportedMs, 1689593653000);
  assert.equal(place({ name: [{ text: "Parking garage A", language: "en" }] }).name, "Parking garage A");
});

test("GBFS 3.1: capacity from vehicle_docks_capacity", () => {
  assert.equal(place({ vehicle_docks_capacity: [{ count: 7 }, { count: 2 }] }).capacity, 9);
});

test("the propulsion of a type: electric and electric_assist, human, and the others", () => {
  const file = (type: string) => ({
    data: { vehicle_types: [{ vehicle_type_id: "x", propulsion_type: type }] },
  });
  const of = (type: string) => decodeVehicleTypes(file(type)).get("x");
  assert.deepEqual(["electric", "electric_assist", "human", "combustion", "hydrogen_fuel_cell"].map(of), [
    "electric",
    "electric",
    "mechanical",
    "other",
    "other",
  ]);
});

// ───────────────────────────── Quirks of status ─────────────────────────────

test("both num_bikes_available and num_vehicles_available: the newer name counts, a difference is counted", () => {
  const file = decode([{ station_id: "1", num_vehicles_available: 8, num_bikes_available: 7 }]);
  assert.equal(file.stations[0]?.total, 8);
  assert.deepEqual(file.oddities, { bikes_and_vehicles_disagree: 1 });
  assert.deepEqual(
    decode([{ station_id: "1", num_vehicles_available: 8, num_bikes_available: 8 }]).oddities,
    {},
  );
  assert.equal(one({ num_vehicles_available: null, num_bikes_available: 7 }).total, 7);
});

test("integer ids, above 32 bits too; a number that JSON cannot hold exactly is no id", () => {
  assert.equal(
    decode([{ station_id: 213688169, num_bikes_available: 1 }]).stations[0]?.stationId,
    "213688169",
  );
  const huge = JSON.parse('{"station_id":12345678901234567890,"num_bikes_available":1}') as unknown;
  assert.deepEqual(reasons(huge), ["missing_station_id"]);
});

test("a negative count rejects the station, and says so", () => {
  const { rejects } = decode([{ station_id: "1", num_bikes_available: -1 }]);
  assert.deepEqual(
    rejects.map(({ reason, path, stationId }) => [reason, path, stationId]),
    [["negative_count", "data.stations[0].num_bikes_available", "1"]],
  );
});

test("a missing, fractional, absurd or textual count rejects the station alone", () => {
  const bad = [undefined, null, 1.5, 1e15, "many", true, [], {}];
  const stations = bad.map((count, n) => ({ station_id: String(n), num_bikes_available: count }));
  const file = decode([...stations, { station_id: "good", num_bikes_available: "4" }]);
  assert.deepEqual(
    file.rejects.map(({ reason }) => reason),
    [
      "missing_count",
      "missing_count",
      "not_a_count",
      "count_too_large",
      ...Array<string>(4).fill("not_a_count"),
    ],
  );
  assert.deepEqual(
    file.stations.map(({ stationId, total }) => [stationId, total]),
    [["good", 4]],
  );
});

test("a negative or nonsensical number of docks is unknown, and counted", () => {
  const file = decode([
    { station_id: "1", num_bikes_available: 1, num_docks_available: -2 },
    { station_id: "2", num_bikes_available: 1, num_docks_available: "x" },
    { station_id: "3", num_bikes_available: 1 },
  ]);
  assert.deepEqual(
    file.stations.map(({ docks }) => docks),
    [null, null, null],
  );
  assert.deepEqual(file.oddities, { unusable_docks: 2 });
});

test("booleans as 0 and 1, or as text", () => {
  const read = (value: unknown) => one({ num_bikes_available: 1, is_renting: value }).isRenting;
  assert.deepEqual([1, 0, true, false, "1", "0", "true", "false", 2, "yes", null].map(read), [
    true,
    false,
    true,
    false,
    true,
    false,
    true,
    false,
    null,
    null,
    null,
  ]);
});

test("duplicate ids: the first stays; an identical one is counted, a different one rejected", () => {
  const file = decode([
    { station_id: "1", num_bikes_available: 1 },
    { station_id: "1", num_bikes_available: 1 },
    { station_id: 1, num_bikes_available: 2 },
  ]);
  assert.equal(file.stations[0]?.total, 1);
  assert.equal(file.stations.length, 1);
  assert.deepEqual(file.oddities, { repeated_station: 1 });
  assert.deepEqual(
    file.rejects.map(({ reason, stationId }) => [reason, stationId]),
    [["duplicate_station_id", "1"]],
  );
});

test("split and total disagree: both stand, and it is counted", () => {
  const file = decode([
    { station_id: "1", num_bikes_available: 9, num_bikes_available_types: [{ mechanical: 1 }, { ebike: 4 }] },
    { station_id: "2", num_bikes_available: 3, num_ebikes_available: 4 },
    {
      station_id: "3",
      num_bikes_available: 3,
      vehicle_types_available: [{ vehicle_type_id: "e", count: 1 }],
    },
  ]);
  assert.deepEqual(
    file.stations.map((s) => [s.total, s.electric, s.mechanical]),
    [
      [9, 4, 1],
      [3, 4, null],
      [3, 1, 0],
    ],
  );
  assert.deepEqual(file.oddities, { split_disagrees_with_total: 3 });
});

test("vehicles of other propulsion are in the total and in neither part, which is no disagreement", () => {
  const file = decode([
    {
      station_id: "1",
      num_bikes_available: 3,
      vehicle_types_available: [{ vehicle_type_id: "c", count: 3 }],
    },
  ]);
  assert.deepEqual([file.stations[0]?.electric, file.stations[0]?.mechanical], [0, 0]);
  assert.deepEqual(file.oddities, {});
});

test("an unknown vehicle type, or an empty list beside a total, leaves the split unknown", () => {
  assert.deepEqual(
    split({ num_bikes_available: 3, vehicle_types_available: [{ vehicle_type_id: "?", count: 3 }] }),
    [3, null, null],
  );
  assert.deepEqual(split({ num_bikes_available: 3, vehicle_types_available: [] }), [3, null, null]);
  assert.deepEqual(split({ num_bikes_available: 3, vehicle_types_available: "all" }), [3, null, null]);
  assert.deepEqual(split({ num_bikes_available: 3, num_bikes_available_types: ["mechanical"] }), [
    3,
    null,
    null,
  ]);
  assert.deepEqual(
    split({ num_bikes_available: 3, num_bikes_available_types: [{ mechanical: -1 }, { ebike: 4 }] }),
    [3, 4, null],
  );
});

test("times in milliseconds, as text, zero or in the future of the future", () => {
  const read = (value: unknown) => one({ num_bikes_available: 1, last_reported: value }).lastReportedMs;
  assert.equal(read(1760776741), 1760776741000);
  assert.equal(read(1760776741000), 1760776741000);
  assert.equal(read("1760776741"), 1760776741000);
  assert.equal(read("2025-10-18T09:09:16Z"), 1760778556000);
  for (const nonsense of [0, -1, NaN, 1e300, "yesterday", "5", "", {}, null, undefined])
    assert.equal(read(nonsense), null);
});

test("a record that is no object, or has no id, is rejected alone", () => {
  assert.deepEqual(reasons(null, 3, "x", [], {}, { station_id: "" }, { station_id: {} }), [
    "not_an_object",
    "not_an_object",
    "not_an_object",
    "not_an_object",
    "missing_station_id",
    "missing_station_id",
    "missing_station_id",
  ]);
  for (const station_id of [" ", "\t\n", "\u00a0"])
    assert.deepEqual(reasons({ station_id, num_bikes_available: 1 }), ["missing_station_id"]);
  assert.deepEqual(reasons({ station_id: "x".repeat(257), num_bikes_available: 1 }), ["missing_station_id"]);
});

test("a record nested or grown beyond bounds is rejected, and left out of its own reject", () => {
  const deep = JSON.parse(
    `{"station_id":"1","num_bikes_available":1,"x":${"[".repeat(20000)}${"]".repeat(20000)}}`,
  ) as unknown;
  const large = { station_id: "2", num_bikes_available: 1, x: "y".repeat(70_000) };
  const { rejects } = decode([deep, large]);
  assert.deepEqual(
    rejects.map(({ reason, stationId, record }) => [reason, stationId, record]),
    [
      ["too_deep", "1", "(left out: too_deep)"],
      ["too_large", "2", "(left out: too_large)"],
    ],
  );
});

test("every valid station is kept when one in a hundred is malformed, wherever it stands", () => {
  const nasty = [
    null,
    7,
    {},
    { station_id: "bad" },
    { station_id: "bad", num_bikes_available: -3 },
    { station_id: [] },
  ];
  const stations = Array.from({ length: 1_000 }, (_, n) =>
    n % 100 === 37
      ? nasty[((n / 100) % nasty.length) | 0]
      : { station_id: String(n), num_bikes_available: n % 30 },
  );
  const file = decode(stations);
  assert.deepEqual([file.stations.length, file.rejects.length], [990, 10]);
  assert.equal(
    file.stations.reduce((sum, { total }) => sum + total, 0),
    stations.reduce<number>((sum, _, n) => sum + (n % 100 === 37 ? 0 : n % 30), 0),
  );
});

test("half a surrogate pair in an id becomes what UTF-8 makes of it, so that keys read back", () => {
  const id = decode([{ station_id: "a\ud800", num_bikes_available: 1 }]).stations[0]?.stationId;
  assert.equal(id, "a\ufffd");
});

test("a field called __proto__ is a field", () => {
  const record = JSON.parse(
    '{"station_id":"1","num_bikes_available":1,"__proto__":{"num_ebikes_available":1}}',
  ) as unknown;
  assert.equal(decode([record]).stations[0]?.electric, null);
});

test("what is no station_status is null, never an exception", () => {
  for (const body of [null, 1, "x", [], {}, { data: null }, { data: [] }, { data: { stations: {} } }]) {
    assert.equal(decodeStationStatus(body, TYPES), null);
    assert.equal(decodeStationInformation(body), null);
    assert.equal(decodeVehicleStatus(body), null);
    assert.equal(decodeDiscovery(body), null);
  }
});

test("a version as a number, a ttl as text, a negative ttl", () => {
  const head = (header: object) => {
    const { version, ttlSeconds } = decode([], header);
    return [version, ttlSeconds];
  };
  assert.deepEqual(head({ version: 2.3, ttl: "60" }), ["2.3", 60]);
  assert.deepEqual(head({ version: null, ttl: -5 }), [null, null]);
});

// ───────────────────────────── Quirks of information ─────────────────────────────

test("a station without position, at 0,0 or off the Earth has none, and is counted", () => {
  const stations = [
    {},
    { lat: 0, lon: 0 },
    { lat: 91, lon: 2 },
    { lat: "48.8", lon: "2.3" },
    { lat: null, lon: 2 },
  ];
  const file = decodeStationInformation({
    data: { stations: stations.map((s, n) => ({ station_id: n + 1, ...s })) },
  });
  assert.deepEqual(
    file?.stations.map(({ lat }) => lat),
    [null, null, null, 48.8, null],
  );
  assert.deepEqual(file?.oddities, { station_without_position: 4 });
});

test("capacity 0 is a capacity; a negative one is none", () => {
  assert.equal(place({ capacity: 0 }).capacity, 0);
  assert.equal(place({ capacity: -3 }).capacity, null);
});

test("a short_name stands for the code that is painted on a station", () => {
  assert.equal(place({ short_name: "16107" }).stationCode, "16107");
  assert.equal(place({ short_name: "x", stationCode: 16107 }).stationCode, "16107");
});

test("post_code and region_id as numbers", () => {
  const { postCode, regionId } = place({ post_code: 75016, region_id: 3 });
  assert.deepEqual([postCode, regionId], ["75016", "3"]);
});

test("two entries for one station: the first stays, elsewhere is a reject", () => {
  const at = (lat: number) => ({ station_id: "1", lat, lon: 2 });
  const file = decodeStationInformation({ data: { stations: [at(1), at(1), at(5), null] } });
  assert.equal(file?.stations.length, 1);
  assert.deepEqual(file?.oddities, { repeated_station_information: 1 });
  assert.deepEqual(
    file?.rejects.map(({ reason }) => reason),
    ["duplicate_station_id", "missing_station_id"],
  );
});

// ───────────────────────────── Vehicles, regions, alerts, systems ─────────────────────────────

test("free_bike_status of 1.x and vehicle_status of 3.x say the same", () => {
  const v1 = decodeVehicleStatus({
    data: { bikes: [{ bike_id: 7, lat: 1, lon: 2, is_reserved: 0, is_disabled: 1 }, {}] },
  });
  const v3 = decodeVehicleStatus({
    data: { vehicles: [{ vehicle_id: "7", lat: 1, lon: 2, is_reserved: false, is_disabled: true }, 3] },
  });
  assert.deepEqual(v1?.vehicles, v3?.vehicles);
  assert.equal(v1?.vehicles[0]?.available, false);
  assert.deepEqual(
    v1?.rejects.map(({ reason }) => reason),
    ["missing_vehicle_id"],
  );
  assert.deepEqual(
    v3?.rejects.map(({ reason }) => reason),
    ["not_an_object"],
  );
});

test("vehicles whose ids are hidden are counted, each as one", () => {
  const at = { lat: 48.8, lon: 2.3 };
  const ids = [null, undefined, "", " ", "null", "None", {}, 2 ** 60, "x", "x"];
  const file = decodeVehicleStatus({ data: { bikes: ids.map((bike_id) => ({ bike_id, ...at })) } });
  assert.equal(file?.vehicles.length, 9);
  assert.deepEqual(file?.oddities, { vehicle_without_id: 8, repeated_vehicle: 1 });
  const sparse = [{ bike_id: null }, { station_id: "a" }, { vehicle_type_id: "e" }, { bike_id: "y" }];
  const rest = decodeVehicleStatus({ data: { bikes: sparse } });
  assert.equal(rest?.vehicles.length, 3, "a type, a station or an id makes a vehicle");
  assert.deepEqual(
    rest?.rejects.map(({ reason }) => reason),
    ["missing_vehicle_id"],
  );
});

test("regions by name, unless two share one", () => {
  const regions = [
    { region_id: 1, name: "North" },
    { region_id: "2", name: [{ text: "Sør", language: "nb" }] },
    { region_id: "3", name: "Same" },
    { region_id: "4", name: "Same" },
    { region_id: "5" },
    null,
  ];
  assert.deepEqual(
    [...decodeSystemRegions({ data: { regions } })],
    [
      ["1", "North"],
      ["2", "Sør"],
    ],
  );
});

test("alerts of every version", () => {
  const alerts = [
    {
      alert_id: "a",
      type: "station_closure",
      summary: [{ text: "Closed", language: "en" }],
      times: [{ start: "2023-07-17T13:34:13+02:00", end: 1760778556 }],
      station_ids: ["1", 2],
      region_ids: "3",
    },
    { summary: "no id" },
  ];
  assert.deepEqual(decodeSystemAlerts({ data: { alerts } }), [
    {
      alertId: "a",
      type: "station_closure",
      summary: "Closed",
      stationIds: ["1", "2"],
      regionIds: ["3"],
      startMs: 1689593653000,
      endMs: 1760778556000,
    },
  ]);
});

test("system_information of 2.x and 3.x", () => {
  const v3 = decodeSystemInformation({
    data: { system_id: "s", name: [{ text: "S", language: "en" }], timezone: "Europe/Oslo" },
  });
  assert.deepEqual([v3?.systemId, v3?.name, v3?.timezone], ["s", "S", "Europe/Oslo"]);
  assert.equal(decodeSystemInformation([]), null);
});

test("discovery: any language, flat, file names for feed names, manifests and versions", () => {
  const feeds = [{ name: "station_status.json", url: " https://x.example/s " }, { name: "bad" }, null];
  for (const data of [{ feeds }, { nb: { feeds } }, { xx: 3, en: { feeds } }]) {
    const found = decodeDiscovery({ version: "2.3", data });
    assert.ok(found?.kind === "feeds");
    assert.deepEqual([...found.feeds], [["station_status", ["https://x.example/s"]]]);
  }
  assert.equal(decodeDiscovery({ data: { versions: [{ version: "3.0", url: "u" }] } })?.kind, "versions");
  const manifest = decodeDiscovery({
    data: { datasets: [{ system_id: "s", versions: [{ version: "3.0", url: "u" }] }, {}] },
  });
  assert.ok(manifest?.kind === "manifest" && manifest.systems.length === 1);
});

test("the highest version that is understood wins, a release before its candidates", () => {
  const best = (...versions: string[]) =>
    understoodVersions(versions.map((version) => ({ version, url: "" })))[0]?.version;
  assert.equal(best("1.1", "2.3", "3.0", "4.0"), "3.0");
  assert.equal(best("2.3", "3.1-RC3"), "2.3");
  assert.equal(best("3.1-RC2"), "3.1-RC2");
  assert.equal(best("4.0", "latest"), undefined);
  assert.equal(versionRank("v3"), 3000);
});
