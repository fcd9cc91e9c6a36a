/** Puts a system's station status and its free-floating vehicles together into one observation. */
import type { Reject, StationStatus, StationStatusFile } from "../../record/station.ts";
import type { VehiclesTold } from "../vehicle-truth.ts";
import type { FreeVehicle, VehicleStatusFile } from "./vehicle-status.ts";

/** A station_status that is listed in parts, as one; of one id in two of them the first stays. Null of none. */
export function mergeStations(files: readonly StationStatusFile[]): StationStatusFile | null {
  const [first, ...others] = files;
  if (first === undefined || others.length === 0) return first ?? null;
  const stations = new Map<string, StationStatus>();
  const rejects: Reject[] = [];
  let repeated = 0;
  for (const file of files) {
    rejects.push(...file.rejects);
    for (const station of file.stations) {
      const { stationId, source } = station;
      const before = stations.get(stationId);
      if (before === undefined) stations.set(stationId, station);
      else if (JSON.stringify(before.source) === JSON.stringify(source)) repeated += 1;
      else
        rejects.push({
          reason: "duplicate_station_id",
          path: "data.stations",
          stationId,
          record: source,
        });
    }
  }
  const oddities = added(files.map((file) => file.oddities));
  if (repeated > 0) oddities["repeated_station"] = (oddities["repeated_station"] ?? 0) + repeated;
  return { ...first, stations: [...stations.values()], rejects, oddities };
}

/** A list of vehicles that comes in parts, as one; of one id in two of them the first stays. Null of none. */
export function mergeVehicles(files: readonly VehicleStatusFile[]): VehicleStatusFile | null {
  const [first, ...others] = files;
  if (first === undefined || others.length === 0) return first ?? null;
  const seen = new Set<string>();
  const vehicles: FreeVehicle[] = [];
  let repeated = 0;
  for (const vehicle of files.flatMap((file) => file.vehicles)) {
    const { vehicleId } = vehicle;
    if (vehicleId !== null && seen.has(vehicleId)) repeated += 1;
    else vehicles.push(vehicle);
    if (vehicleId !== null) seen.add(vehicleId);
  }
  const oddities = added(files.map((file) => file.oddities));
  if (repeated > 0) oddities["repeated_vehicle"] = (oddities["repeated_vehicle"] ?? 0) + repeated;
  return { ...first, vehicles, rejects: files.flatMap(({ rejects }) => rejects), oddities };
}

function added(counts: readonly (Readonly<Record<string, number>> | undefined)[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const found of counts)
    for (const [name, count] of Object.entries(found ?? {})) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}

/**
 * One file out of two: stations first, then the pseudo-stations that count vehicles per area.
 * @param told what the vehicles come to; null where the system has no file of them
 * @param more oddities found beside the two files
 */
export function combine(
  stations: StationStatusFile | null,
  vehicles: VehicleStatusFile | null,
  told: VehiclesTold | null,
  more: Readonly<Record<string, number>>,
): StationStatusFile {
  const oddities = added([stations?.oddities, vehicles?.oddities, told?.oddities, more]);
  const head = stations ?? vehicles;
  return {
    version: head?.version ?? null,
    lastUpdatedMs: head?.lastUpdatedMs ?? null,
    ttlSeconds: head?.ttlSeconds ?? null,
    stations: [...(stations?.stations ?? []), ...(told?.freeFloating ?? [])],
    rejects: [...(stations?.rejects ?? []), ...(vehicles?.rejects ?? [])],
    oddities,
    // Cut short as a whole: no area's count is taken from it.
    ...(told !== null && told.freeFloating === null ? { unobserved: ["vehicles"] } : {}),
  };
}

/** Every station of which a poll knows, usable or not. */
export function stationIdsOf(
  { stations, rejects }: Pick<StationStatusFile, "stations" | "rejects">,
  informed: Iterable<string>,
): Set<string> {
  const ids = new Set(informed);
  for (const { stationId } of stations) ids.add(stationId);
  for (const { stationId } of rejects) if (stationId !== null) ids.add(stationId);
  return ids;
}

/** Vélib' Métropole's dialect: no version, station codes, every count in two spellings. */
export function looksLikeVelib(file: StationStatusFile): boolean {
  const first = file.stations[0];
  return (
    file.version === null &&
    first !== undefined &&
    first.stationCode !== null &&
    first.source["numBikesAvailable"] !== undefined
  );
}
