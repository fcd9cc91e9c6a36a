/**
 * Vehicles that stand by themselves, in the one model: per area one pseudo-station that counts them. Their own ids
 * rotate after every rental (GBFS requires it), so they are no keys; their area is.
 *
 *   vehicles ──by position──▶ area 75011: 12 available, 7 electric ──▶ station "free-floating:areas_file:75011"
 */
import { observation } from "../record/change-detection.ts";
import type { Propulsion } from "./gbfs/propulsion.ts";
import type { FreeVehicle } from "./gbfs/vehicle-status.ts";
import type { AreaRule, StationArea, StationStatus, SystemPart } from "../record/station.ts";

const PREFIX = "free-floating:";
const ID = /^free-floating:(areas_file|system|unknown):(.+)$/s;

/** The area that a pseudo-station counts; null for a real station. */
export function areaOfFreeFloating(stationId: string): StationArea | null {
  const match = stationId.startsWith(PREFIX) ? ID.exec(stationId) : null;
  return match === null ? null : { area: match[2] ?? "", rule: match[1] as AreaRule };
}

/** The part of the system that a station, or what stands for the vehicles of an area, belongs to. */
export function partOf(stationId: string): SystemPart {
  return isFreeFloating(stationId) ? "vehicles" : "stations";
}

/** True for a pseudo-station that counts the vehicles of an area. */
export function isFreeFloating(stationId: string): boolean {
  return stationId.startsWith(PREFIX) && ID.test(stationId);
}

interface Count {
  vehicles: number;
  electric: number;
  mechanical: number;
  /** Vehicles whose type does not say what moves them: the split is then unknown. */
  untyped: number;
}

/**
 * Counts the available vehicles per area. Those that say which station they stand at are not given here: they are in
 * its count, or will be (vehicle-truth.ts).
 */
export function countFreeFloating(
  vehicles: Iterable<FreeVehicle>,
  types: ReadonlyMap<string, Propulsion>,
  resolvePosition: (lat: number | null, lon: number | null) => StationArea,
): StationStatus[] {
  const counts = new Map<string, Count>();
  for (const vehicle of vehicles) {
    const { area, rule } = resolvePosition(vehicle.lat, vehicle.lon);
    const stationId = `${PREFIX}${rule}:${area}`;
    let count = counts.get(stationId);
    // An area whose vehicles are all reserved still counts: zero, which is not the same as gone.
    if (count === undefined) {
      counts.set(stationId, (count = { vehicles: 0, electric: 0, mechanical: 0, untyped: 0 }));
    }
    if (!vehicle.available) continue;
    count.vehicles += 1;
    const propulsion = (vehicle.typeId === null ? undefined : types.get(vehicle.typeId)) ?? "unknown";
    if (propulsion === "unknown") count.untyped += 1;
    else if (propulsion === "electric") count.electric += 1;
    else if (propulsion === "mechanical") count.mechanical += 1;
  }
  return [...counts].map(([stationId, count]) =>
    observation({
      stationId,
      stationCode: null,
      total: count.vehicles,
      electric: count.untyped > 0 ? null : count.electric,
      mechanical: count.untyped > 0 ? null : count.mechanical,
      docks: null,
      isInstalled: true,
      isRenting: true,
      isReturning: true,
      lastReportedMs: null,
      source: { station_id: stationId, num_vehicles_available: count.vehicles, free_floating: true },
    }),
  );
}
