/** Puts a system's station status and its free-floating vehicles together into one observation. */
import type { StationStatus, StationStatusFile } from "../station.ts";
import type { VehicleStatusFile } from "./vehicle-status.ts";

/**
 * One file out of two: stations first, then the pseudo-stations that count vehicles per area.
 * @param more oddities found beside the two files
 */
export function combine(
  stations: StationStatusFile | null,
  vehicles: VehicleStatusFile | null,
  freeFloating: readonly StationStatus[],
  more: Readonly<Record<string, number>>,
): StationStatusFile {
  const oddities: Record<string, number> = {};
  for (const found of [stations?.oddities, vehicles?.oddities, more]) {
    for (const [name, count] of Object.entries(found ?? {})) oddities[name] = (oddities[name] ?? 0) + count;
  }
  const head = stations ?? vehicles;
  return {
    version: head?.version ?? null,
    lastUpdatedMs: head?.lastUpdatedMs ?? null,
    ttlSeconds: head?.ttlSeconds ?? null,
    stations: [...(stations?.stations ?? []), ...freeFloating],
    rejects: [...(stations?.rejects ?? []), ...(vehicles?.rejects ?? [])],
    oddities,
  };
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
