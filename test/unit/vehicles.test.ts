/** Vehicles that stand by themselves: a complete file is the whole truth, and a docked one is counted at its station. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Collection } from "../../src/domain/collection.ts";
import { areaOfFreeFloating } from "../../src/domain/free-floating.ts";
import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import { decodeVehicleStatus } from "../../src/domain/gbfs/vehicle-status.ts";
import { combine, stationIdsOf } from "../../src/domain/gbfs/whole-status.ts";
import type { StationArea } from "../../src/record/station.ts";
import { VehicleTruth } from "../../src/domain/vehicle-truth.ts";

const MINUTE_MS = 60_000;
/** One area per whole degree. */
const areaAt = (lat: number | null): StationArea =>
  lat === null
    ? { area: "unknown", rule: "unknown" }
    : { area: `area ${Math.floor(lat)}`, rule: "areas_file" };

/** A system whose polls reach the topic at once; `areas` recounts the topic, as an aggregate would. */
class System {
  readonly #truth = new VehicleTruth();
  readonly #topic = new Map<string, { area: string; total: number }>();
  #collection = this.#made();
  oddities: Readonly<Record<string, number>> = {};
  /** The most that was ever counted, record by record. */
  most = 0;

  #made(): Collection {
    return new Collection({
      systemId: "town",
      mode: "changes",
      simulated: false,
      resolveArea: (_, _code, stationId) =>
        areaOfFreeFloating(stationId) ?? { area: "docks", rule: "region" },
    });
  }

  /** @param vehicles null when their file could not be had */
  poll(atMs: number, stations: readonly object[] | null, vehicles: readonly object[] | null): void {
    const status = stations === null ? null : decodeStationStatus({ data: { stations } }, new Map());
    const file = vehicles === null ? null : (decodeVehicleStatus({ data: { vehicles } }) ?? assert.fail());
    const told =
      file === null
        ? null
        : this.#truth.observe({
            atMs,
            vehicles: file.vehicles,
            types: new Map(),
            stationIds: status === null ? null : stationIdsOf(status, []),
            resolvePosition: areaAt,
          });
    const whole = combine(status, file, told, {});
    this.oddities = whole.oddities;
    const plan = this.#collection.plan({
      observedAtMs: atMs,
      stations: whole.stations,
      unreadable: new Set(whole.rejects.flatMap(({ stationId }) => stationId ?? [])),
      unobserved: file === null ? ["vehicles"] : (whole.unobserved ?? []),
      information: new Map(),
      partitionCount: 3,
    });
    for (const { key, value } of plan.records) {
      this.most = Math.max(
        this.most,
        Object.values(this.areas).reduce((sum, total) => sum + total, 0),
      );
      if (value === null) this.#topic.delete(key);
      else {
        const { postcode: area, nbr_total: total } = JSON.parse(value) as {
          postcode: string;
          nbr_total: number;
        };
        this.#topic.set(key, { area, total });
      }
    }
    this.#collection.acknowledge(plan);
  }

  get areas(): Record<string, number> {
    const sums: Record<string, number> = {};
    for (const { area, total } of this.#topic.values()) sums[area] = (sums[area] ?? 0) + total;
    return sums;
  }
}

let vehicles = 0;
/** Ids rotate: no vehicle has the same twice. */
const free = (lat: number, more: object = {}) => ({
  vehicle_id: `v${(vehicles += 1)}`,
  lat: lat + 0.5,
  lon: 2,
  ...more,
});
const many = (count: number, lat: number) => Array.from({ length: count }, () => free(lat));
const docked = (count: number, at: string) =>
  Array.from({ length: count }, () => free(9, { station_id: at }));
const station = (id: string, count: number) => ({ station_id: id, num_bikes_available: count });

test("the last vehicle that is rented leaves at the next poll", () => {
  const system = new System();
  system.poll(0, null, many(3, 1));
  assert.deepEqual(system.areas, { "area 1": 3 });
  system.poll(3_000, null, []);
  assert.deepEqual(system.areas, {});
});

test("a vehicle ridden into another area is counted there and no longer where it was", () => {
  const system = new System();
  system.poll(0, null, [...many(2, 1), free(2)]);
  system.poll(1_000, null, [free(1), free(2), free(2)]);
  assert.deepEqual(system.areas, { "area 1": 1, "area 2": 2 });
  system.poll(2_000, null, many(3, 3));
  assert.deepEqual(system.areas, { "area 3": 3 });
  assert.equal(system.most, 3, "at no instant in two areas");
});

test("a vehicle file that cannot be had leaves every count as it was", () => {
  const system = new System();
  system.poll(0, [station("a", 5)], many(3, 1));
  for (let n = 1; n < 10; n += 1) system.poll(n * MINUTE_MS, [station("a", 4)], null);
  assert.deepEqual(system.areas, { docks: 4, "area 1": 3 });
});

test("a vehicle file that lost more than half of a fleet at once is cut short, until it stays so", () => {
  const system = new System();
  system.poll(0, null, [...many(150, 1), ...many(60, 2)]);
  system.poll(MINUTE_MS, null, many(60, 2));
  assert.deepEqual(system.areas, { "area 1": 150, "area 2": 60 });
  assert.deepEqual(system.oddities, { vehicles_cut_short: 1 });
  system.poll(2 * MINUTE_MS, null, many(61, 2));
  assert.deepEqual(system.areas, { "area 1": 150, "area 2": 60 });
  system.poll(3 * MINUTE_MS, null, many(62, 2));
  assert.deepEqual(system.areas, { "area 2": 62 });
  system.poll(4 * MINUTE_MS, null, many(150, 2));
  system.poll(5 * MINUTE_MS, null, []);
  assert.deepEqual(system.areas, { "area 2": 150 });
  system.poll(6 * MINUTE_MS, null, many(149, 2));
  assert.deepEqual(system.areas, { "area 2": 149 }, "whole again at once");
  system.poll(60 * MINUTE_MS, null, []);
  assert.deepEqual(system.areas, {}, "after a long pause anything may have happened");
});

test("a docked vehicle is counted at its station alone, though the station is unusable, absent, gone or renamed", () => {
  const bikes = [...docked(5, "a"), free(1)];
  const all = { docks: 15, "area 1": 1 };
  const others = [station("b", 7), station("c", 3)];
  const system = new System();
  system.poll(0, [station("a", 5), ...others], bikes);
  assert.deepEqual(system.areas, all);
  system.poll(MINUTE_MS, [station("a", -1), ...others], bikes);
  assert.deepEqual(system.areas, all, "unusable: its last good count stands");
  system.poll(2 * MINUTE_MS, others, bikes);
  assert.deepEqual(system.areas, all, "absent once");
  assert.deepEqual(system.oddities, { vehicle_at_unlisted_station: 5 });
  for (let n = 3; n < 6; n += 1) system.poll(n * MINUTE_MS, others, bikes);
  assert.deepEqual(system.areas, { docks: 10, "area 1": 1 }, "gone with its vehicles");
  system.poll(6 * MINUTE_MS, [station("a2", 5), ...others], bikes);
  assert.deepEqual(system.areas, all, "renamed, and the vehicles still name the old station");
  system.poll(7 * MINUTE_MS, null, bikes);
  assert.ok(!("area 9" in system.areas), "nor while the station file cannot be had");
});

test("where no station was ever listed a vehicle counts where it stands, whatever it names", () => {
  const system = new System();
  system.poll(0, [], docked(4, "hub"));
  assert.deepEqual(system.areas, { "area 9": 4 });
});

test("after every poll each area counts what the newest file says, and stations what they say themselves", () => {
  const vehicle = fc.record({
    lat: fc.integer({ min: 0, max: 3 }),
    at: fc.option(fc.constantFrom("a", "b"), { nil: null }),
    reserved: fc.boolean(),
  });
  const poll = fc.record({
    vehicles: fc.option(fc.array(vehicle, { maxLength: 8 }), { nil: null, freq: 4 }),
    counts: fc.tuple(fc.nat(9), fc.integer({ min: -1, max: 9 })),
  });
  fc.assert(
    fc.property(fc.array(poll, { minLength: 1, maxLength: 12 }), (polls) => {
      const system = new System();
      let expected: Record<string, number> = {};
      let good = 0;
      polls.forEach(({ vehicles, counts: [a, b] }, n) => {
        const listed = vehicles?.map(({ lat, at, reserved }) =>
          free(lat, { station_id: at, is_reserved: reserved }),
        );
        system.poll(n * MINUTE_MS, [station("a", a), station("b", b)], listed ?? null);
        if (b >= 0) good = b;
        const { docks: _, ...before } = expected;
        expected = { ...(vehicles === null ? before : {}), docks: a + good };
        for (const { lat, at, reserved } of vehicles ?? [])
          if (at === null) expected[`area ${lat}`] = (expected[`area ${lat}`] ?? 0) + (reserved ? 0 : 1);
        assert.deepEqual(system.areas, expected);
      });
    }),
  );
});
