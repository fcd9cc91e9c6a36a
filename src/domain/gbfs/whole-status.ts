/** Puts a system's station status and its free-floating vehicles together into one observation. */
import type { StationStatusFile } from "../station.ts";
import type { VehiclesTold } from "../vehicle-truth.ts";
import type { VehicleStatusFile } from "./vehicle-status.ts";

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
  const oddities: Record<string, number> = {};
  for (const found of [stations?.oddities, vehicles?.oddities, told?.oddities, more]) {
    for (const [name, count] of Object.entries(found ?? {})) oddities[name] = (oddities[name] ?? 0) + count;
  }
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
