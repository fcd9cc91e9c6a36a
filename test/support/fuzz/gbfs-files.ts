/**
 * Generator-driven fuzzing of everything between a publisher's bytes and the log: valid files of every dialect are
 * bent, value by value and byte by byte, then decoded, placed, counted, encoded and read back.
 */
import assert from "node:assert/strict";
import { AreaResolver } from "../../../src/domain/areas.ts";
import { Collection } from "../../../src/domain/collection.ts";
import { FeedTruth } from "../../../src/domain/feed-truth.ts";
import { decodeDiscovery, understoodVersions } from "../../../src/domain/gbfs/discovery.ts";
import { decodeStationInformation } from "../../../src/domain/gbfs/station-information.ts";
import { decodeStationStatus } from "../../../src/domain/gbfs/station-status.ts";
import {
  decodeSystemAlerts,
  decodeSystemInformation,
  decodeSystemRegions,
} from "../../../src/domain/gbfs/system-files.ts";
import { decodeVehicleStatus } from "../../../src/domain/gbfs/vehicle-status.ts";
import { decodeVehicleTypes } from "../../../src/domain/gbfs/propulsion.ts";
import { combine, looksLikeVelib, stationIdsOf } from "../../../src/domain/gbfs/whole-status.ts";
import { decodeRawRecord } from "../../../src/record/raw-record.ts";
import { encodeReject, RejectMemory } from "../../../src/record/reject-record.ts";
import { VehicleTruth } from "../../../src/domain/vehicle-truth.ts";
import type { Reject, StationInformation } from "../../../src/record/station.ts";
import { pick, type Random } from "./target.ts";

// ───────────────────────────── What is bent ─────────────────────────────

const STATUS: Record<string, unknown>[] = [
  {
    station_id: 213688169,
    num_bikes_available: 5,
    numBikesAvailable: 5,
    num_bikes_available_types: [{ mechanical: 1 }, { ebike: 4 }],
    num_docks_available: 30,
    is_installed: 1,
    is_renting: 1,
    last_reported: 1760776294,
    stationCode: "16107",
    station_opening_hours: null,
  },
  { station_id: "a", num_bikes_available: 5, num_bikes_available_types: { mechanical: 1, ebike: 4 } },
  {
    station_id: "003d58af",
    num_bikes_available: 15,
    num_ebikes_available: 4,
    num_docks_available: 11,
    is_renting: 1,
  },
  {
    station_id: "3",
    num_vehicles_available: 5,
    vehicle_types_available: [
      { vehicle_type_id: "e", count: 2 },
      { vehicle_type_id: "m", count: 3 },
    ],
    last_reported: "2023-07-17T13:34:13+02:00",
    is_renting: true,
  },
];
const INFORMATION: Record<string, unknown>[] = [
  {
    station_id: 213688169,
    stationCode: "16107",
    name: "Benjamin Godard",
    lat: 48.865983,
    lon: 2.275725,
    capacity: 35,
  },
  {
    station_id: "a",
    name: [{ text: "A", language: "en" }],
    lat: 1,
    lon: 2,
    post_code: "75016",
    region_id: "1",
  },
  { station_id: "3", name: "Three", short_name: "3", vehicle_docks_capacity: [{ count: 3 }] },
];
const VEHICLES: Record<string, unknown>[] = [
  { bike_id: "v1", lat: 48.8, lon: 2.3, is_reserved: 0, is_disabled: 0, vehicle_type_id: "e" },
  { vehicle_id: "v2", station_id: "a", is_reserved: false, is_disabled: true, vehicle_type_id: "m" },
];
const FILES: Record<string, unknown>[] = [
  {
    data: {
      vehicle_types: [
        { vehicle_type_id: "e", propulsion_type: "electric_assist" },
        { vehicle_type_id: "m", propulsion_type: "human" },
      ],
    },
  },
  { version: "2.3", data: { en: { feeds: [{ name: "station_status", url: "https://x.example/s" }] } } },
  {
    data: {
      versions: [{ version: "3.0", url: "https://x.example/" }],
      datasets: [{ system_id: "s", versions: [] }],
    },
  },
  {
    data: {
      regions: [{ region_id: "1", name: "North" }],
      alerts: [{ alert_id: "a", times: [{ start: 1 }], station_ids: ["1"] }],
    },
  },
  { data: { system_id: "s", name: "S", timezone: "Europe/Paris" } },
];

// ───────────────────────────── How it is bent ─────────────────────────────

const NASTY: readonly ((random: Random) => unknown)[] = [
  () => null,
  () => undefined,
  () => true,
  () => -1,
  () => 0,
  () => 1e308,
  () => -1e308,
  () => 2 ** 53,
  () => 2 ** 31,
  () => 1.5,
  () => "",
  () => "0",
  () => "-0",
  () => "9".repeat(40),
  () => "\ud800",
  () => "\udfff\u0000\u202e",
  () => "__proto__",
  () => "free-floating:system:x",
  () => "a:b",
  (random) => "x".repeat(Math.floor(random() * 100_000)),
  () => [],
  () => ({}),
  () => [[[[]]]],
  () =>
    JSON.parse(
      '{"__proto__":{"a":1},"constructor":1,"toString":2,"hasOwnProperty":3,"toJSON":4,"length":5}',
    ) as unknown,
  (random) => nested(Math.floor(random() * 3_000)),
  () => "2023-07-17T13:34:13+02:00",
  () => 1760776294,
];

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < levels; n += 1) value = n % 2 === 0 ? [value] : { a: value };
  return value;
}

function bend(value: unknown, random: Random, rate: number): unknown {
  if (random() < rate) return pick(random, NASTY)(random);
  if (Array.isArray(value)) {
    const list = value.map((item) => bend(item, random, rate));
    if (random() < rate) list.push(...list);
    if (random() < rate) list.reverse();
    return list;
  }
  if (typeof value !== "object" || value === null) return value;
  const bent: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    if (random() < rate) continue;
    bent[random() < rate / 2 ? pick(random, ["station_id", "data", "__proto__", "count", key]) : key] = bend(
      item,
      random,
      rate,
    );
  }
  return bent;
}

/** The text of a file, bent as a value and then as bytes, parsed again; undefined when it is no JSON any more. */
function served(value: unknown, random: Random): unknown {
  let text: string;
  try {
    text = JSON.stringify(bend(value, random, random() < 0.5 ? 0.02 : 0.2)) ?? "null";
  } catch {
    return undefined;
  }
  if (random() < 0.3) {
    const at = Math.floor(random() * text.length);
    const cut = Math.floor(random() * 8);
    text =
      text.slice(0, at) +
      pick(random, ["", "0", '"', "{", "[", "e9", "\\u0000", ",", "-"]) +
      text.slice(at + cut);
  }
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function many(random: Random, samples: readonly Record<string, unknown>[]): unknown[] {
  return Array.from({ length: Math.floor(random() * 8) }, (_, n) => {
    const sample = { ...pick(random, samples) };
    if (random() < 0.7 && sample["station_id"] !== undefined) sample["station_id"] = `s${n}`;
    return sample;
  });
}

// ───────────────────────────── What must hold ─────────────────────────────

/** One whole poll of a bent system. Throws when anything throws, or an invariant breaks. */
export function fuzzOnce(random: Random): void {
  const head = { last_updated: 1760776294, ttl: 60, version: pick(random, ["1.0", "2.3", "3.0", 3]) };
  const types = decodeVehicleTypes(served(FILES[0], random));
  for (const file of FILES) {
    const body = served(file, random);
    const discovery = decodeDiscovery(body);
    if (discovery?.kind === "versions") understoodVersions(discovery.versions);
    decodeSystemRegions(body);
    decodeSystemAlerts(body);
    decodeSystemInformation(body);
  }
  const collection = new Collection({
    systemId: "fuzz",
    mode: "changes",
    simulated: false,
    resolveArea: new AreaResolver({ systemId: "fuzz" }).resolve,
  });
  const truth = new FeedTruth();
  const vehicleTruth = new VehicleTruth();
  const memory = new RejectMemory();
  for (let poll = 1; poll <= 2; poll += 1) {
    const statusBody = served({ ...head, data: { stations: many(random, STATUS) } }, random);
    const infoBody = served({ ...head, data: { stations: many(random, INFORMATION) } }, random);
    const vehicleBody = served(
      { ...head, data: { [pick(random, ["bikes", "vehicles"])]: many(random, VEHICLES) } },
      random,
    );
    const status = decodeStationStatus(statusBody, types);
    const information = decodeStationInformation(infoBody);
    const vehicles = decodeVehicleStatus(vehicleBody);
    if (status !== null)
      conserved(statusBody, status.stations.length, status.rejects, status.oddities["repeated_station"]);
    if (information !== null)
      conserved(
        infoBody,
        information.stations.length,
        information.rejects,
        information.oddities["repeated_station_information"],
      );
    if (status === null || vehicles === null) continue;
    const areas = new AreaResolver({ systemId: "fuzz" });
    const observedAtMs = poll * 60_000;
    const told = vehicleTruth.observe({
      atMs: observedAtMs,
      vehicles: vehicles.vehicles,
      types,
      stationIds: stationIdsOf(status, []),
      resolvePosition: areas.resolvePosition,
    });
    const whole = combine(status, vehicles, told, {});
    looksLikeVelib(whole);
    truth.observe({ atMs: observedAtMs, lastUpdatedMs: whole.lastUpdatedMs, stations: whole.stations });
    const byId = new Map<string, StationInformation>(
      information?.stations.map((one) => [one.stationId, one]),
    );
    const unreadable = new Set(whole.rejects.flatMap(({ stationId }) => stationId ?? []));
    const plan = collection.plan({
      observedAtMs,
      stations: whole.stations,
      unreadable,
      information: byId,
      partitionCount: 3,
    });
    for (const { key, value } of plan.records) if (value !== null) readsBack(key, value, observedAtMs);
    collection.acknowledge(plan);
    for (const reject of memory.news(whole.rejects, observedAtMs)) {
      const text = encodeReject("fuzz", reject, observedAtMs);
      assert.ok(text.length < 300_000, "a reject is bounded");
    }
  }
}

/** Every entry of the list is a station, a reject or a repetition: none is lost without a trace. */
function conserved(body: unknown, stations: number, rejects: readonly Reject[], repeated = 0): void {
  const list = (body as { data: { stations: unknown[] } }).data.stations;
  assert.equal(stations + rejects.length + repeated, list.length);
}

function readsBack(key: string, value: string, observedAtMs: number): void {
  assert.ok(value.length < 300_000, "a record is bounded");
  const bytes = Buffer.from(key, "utf8").toString("utf8");
  const decoding = decodeRawRecord(
    bytes,
    Buffer.from(value, "utf8").toString("utf8"),
    observedAtMs,
    () => null,
  );
  assert.ok(decoding.ok, decoding.ok ? "" : `${decoding.reject.reason} at ${decoding.reject.path}`);
  assert.ok(Number.isSafeInteger(decoding.record.total) && decoding.record.total >= 0);
}
