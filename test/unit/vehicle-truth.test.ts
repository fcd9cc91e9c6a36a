/** When a vehicle file is believed, at the edges of its numbers; and what it says of docked vehicles and types. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Propulsion } from "../../src/domain/gbfs/propulsion.ts";
import type { FreeVehicle } from "../../src/domain/gbfs/vehicle-status.ts";
import { VehicleTruth, type VehiclesTold } from "../../src/domain/vehicle-truth.ts";

const START_MS = 1_700_000_000_000;
const MINUTE_MS = 60_000;
const PAUSE_MS = 15 * MINUTE_MS;

function vehicle(fields: Partial<FreeVehicle> = {}): FreeVehicle {
  return { vehicleId: null, typeId: null, stationId: null, lat: 48, lon: 2, available: true, ...fields };
}

interface Seen {
  /** Since the start. */
  readonly atMs?: number;
  readonly vehicles: number | readonly FreeVehicle[];
  readonly stationIds?: readonly string[] | null;
  readonly types?: readonly (readonly [string, Propulsion])[];
}

function observe(truth: VehicleTruth, seen: Seen): VehiclesTold {
  const { atMs = 0, vehicles, stationIds = null, types = [] } = seen;
  return truth.observe({
    atMs: START_MS + atMs,
    vehicles: typeof vehicles === "number" ? Array.from({ length: vehicles }, () => vehicle()) : vehicles,
    types: new Map(types),
    stationIds: stationIds === null ? null : new Set(stationIds),
    resolvePosition: () => ({ area: "town", rule: "system" }),
  });
}

/** Whether files of so many vehicles, one a minute after the first, are believed. */
function believed(first: number, ...then: readonly (readonly [atMs: number, vehicles: number])[]): boolean[] {
  const truth = new VehicleTruth();
  observe(truth, { vehicles: first });
  return then.map(([atMs, vehicles]) => observe(truth, { atMs, vehicles }).freeFloating !== null);
}

test("a file with half of the vehicles is believed, one with fewer is not", () => {
  assert.deepEqual(believed(400, [MINUTE_MS, 200]), [true]);
  assert.deepEqual(believed(400, [MINUTE_MS, 199]), [false]);
});

test("a file that misses fewer than a hundred is believed, however small it is", () => {
  assert.deepEqual(believed(100, [MINUTE_MS, 1]), [true]);
  assert.deepEqual(believed(100, [MINUTE_MS, 0]), [false]);
});

test("a file that stays small is believed with the third one, two minutes after the first", () => {
  assert.deepEqual(
    believed(400, [MINUTE_MS, 9], [2 * MINUTE_MS, 9], [3 * MINUTE_MS - 1, 9], [3 * MINUTE_MS, 9]),
    [false, false, false, true],
  );
  assert.deepEqual(believed(400, [MINUTE_MS, 9], [9 * MINUTE_MS, 9]), [false, false]);
});

test("one whole file, and the small ones are counted anew; what was believed is what the next is compared with", () => {
  assert.deepEqual(
    believed(
      400,
      [MINUTE_MS, 9],
      [2 * MINUTE_MS, 9],
      [3 * MINUTE_MS, 400],
      [4 * MINUTE_MS, 9],
      [5 * MINUTE_MS, 9],
      [6 * MINUTE_MS, 9],
      [7 * MINUTE_MS, 9],
    ),
    [false, false, true, false, false, true, true],
  );
});

test("over a pause of a quarter of an hour anything may have happened", () => {
  assert.deepEqual(believed(400, [PAUSE_MS - 1, 9]), [false]);
  assert.deepEqual(believed(400, [PAUSE_MS, 9]), [true]);
});

test("a file cut short says so, and nothing else", () => {
  const truth = new VehicleTruth();
  observe(truth, { vehicles: 400 });
  const told = observe(truth, { atMs: MINUTE_MS, vehicles: 3 });
  assert.deepEqual(told, { freeFloating: null, oddities: { vehicles_cut_short: 1 } });
});

test("a docked vehicle counts at its station alone, once the system has listed a station", () => {
  const docked = vehicle({ stationId: "a" });
  const count = (truth: VehicleTruth, seen: Omit<Seen, "vehicles">): number | undefined =>
    observe(truth, { vehicles: [docked, vehicle()], ...seen }).freeFloating?.[0]?.total;
  const truth = new VehicleTruth();
  assert.equal(count(truth, { stationIds: [] }), 2);
  assert.equal(count(truth, { stationIds: null }), 2);
  assert.equal(count(truth, { stationIds: ["a"] }), 1);
  // Also while the status cannot be had.
  assert.equal(count(truth, { stationIds: null }), 1);
});

test("counts vehicles at stations that are not listed, and types that nothing explains", () => {
  const vehicles = [
    vehicle({ stationId: "a" }),
    vehicle({ stationId: "b" }),
    vehicle({ stationId: "c" }),
    vehicle({ typeId: "bike" }),
    vehicle({ typeId: "odd" }),
    vehicle({ typeId: "missing" }),
    vehicle(),
  ];
  const types = [["bike", "mechanical"] as const, ["odd", "unknown"] as const];
  const told = observe(new VehicleTruth(), { vehicles, stationIds: ["a"], types });
  assert.deepEqual(told.oddities, { vehicle_at_unlisted_station: 2, unexplained_vehicle_type: 2 });
  const well = observe(new VehicleTruth(), { vehicles: vehicles.slice(3, 4), stationIds: ["a"], types });
  assert.deepEqual(well.oddities, {});
  // Nobody knows which stations there are.
  const unknown = new VehicleTruth();
  observe(unknown, { vehicles: [], stationIds: ["a"] });
  assert.deepEqual(observe(unknown, { vehicles: vehicles.slice(0, 3), stationIds: null }).oddities, {});
});
