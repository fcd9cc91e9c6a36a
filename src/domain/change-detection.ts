/**
 * What counts as a change of a station: its content as served, but not `last_reported` alone. Publishers refresh
 * that field in bulk (Vélib') or at every poll (Oslo) while nothing changed, and change counts without moving it.
 */
import type { StationInformation, StationStatus } from "./station.ts";

/** Fields of the served object whose movement alone is no change. */
const NOT_CONTENT: ReadonlySet<string> = new Set(["last_reported"]);

/** True when two observations of one station say the same. */
export function sameContent(a: StationStatus, b: StationStatus): boolean {
  if (a === b) return true;
  // The decoded counts too: they may depend on another file (vehicle_types) that changed meanwhile.
  if (
    a.vehiclesAvailable !== b.vehiclesAvailable ||
    a.electricAvailable !== b.electricAvailable ||
    a.mechanicalAvailable !== b.mechanicalAvailable ||
    a.docksAvailable !== b.docksAvailable
  ) {
    return false;
  }
  return a.source === b.source || sameFields(a.source, b.source);
}

/** True when two observations of a whole system say the same of every station, in whatever order. */
export function sameStations(a: readonly StationStatus[], b: readonly StationStatus[]): boolean {
  if (a.length !== b.length) return false;
  let byId: Map<string, StationStatus> | null = null;
  return b.every((station, index) => {
    let earlier = a[index];
    if (earlier?.stationId !== station.stationId) {
      byId ??= new Map(a.map((one) => [one.stationId, one]));
      earlier = byId.get(station.stationId);
    }
    return earlier !== undefined && sameContent(earlier, station);
  });
}

/** True when what we publish of two informations is the same. */
export function sameInformation(
  a: StationInformation | undefined,
  b: StationInformation | undefined,
): boolean {
  if (a === b) return true;
  return a?.name === b?.name && a?.lat === b?.lat && a?.lon === b?.lon && a?.capacity === b?.capacity;
}

function sameFields(a: Readonly<Record<string, unknown>>, b: Readonly<Record<string, unknown>>): boolean {
  const keys = Object.keys(a);
  if (Object.keys(b).length !== keys.length) return false;
  for (const key of keys) {
    const left = a[key];
    const right = b[key];
    if (left === right || NOT_CONTENT.has(key)) continue;
    // Nested values are small (the split by type); text is the simplest deep comparison.
    if (typeof left !== "object" || typeof right !== "object") return false;
    if (JSON.stringify(left) !== JSON.stringify(right)) return false;
  }
  return true;
}
