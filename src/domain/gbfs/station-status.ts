/** Decodes `station_status`, GBFS 1.0 to 3.1 and Vélib', into the one model; what cannot be used is a reject. */
import { observation } from "../../record/change-detection.ts";
import type { Reject, StationStatus, StationStatusFile } from "../../record/station.ts";
import { boundedRecord, unboundedReason } from "./bounds.ts";
import {
  asBoolean,
  asCount,
  asId,
  asInteger,
  asObject,
  asTimeMs,
  type Json,
} from "../../record/feed-values.ts";
import { header } from "./header.ts";
import { isPlaceholder, isPlaceholderDocks } from "./placeholders.ts";
import type { Propulsion } from "./propulsion.ts";
import { vehicleSplit } from "./vehicle-split.ts";

/** A station with more vehicles is a mistake; sums of such mistakes would leave the exact integers. */
const MOST_VEHICLES = 1_000_000;

/** What the station information says a station is built for; null where it does not. */
export type CapacityOf = (stationId: string) => number | null;

const NO_CAPACITY: CapacityOf = () => null;

/**
 * Decodes one file. Never throws; one bad station never costs the others (invariant 7).
 * Duplicate ids: the first stays; a later one that says otherwise is a reject, an identical one an oddity.
 * @returns null when the body is no `station_status` at all
 */
export function decodeStationStatus(
  body: unknown,
  types: ReadonlyMap<string, Propulsion>,
  capacityOf: CapacityOf = NO_CAPACITY,
): StationStatusFile | null {
  const file = asObject(body);
  const list = asObject(file?.["data"])?.["stations"];
  if (file === null || !Array.isArray(list)) return null;
  const stations = new Map<string, StationStatus>();
  const rejects: Reject[] = [];
  const oddities: Record<string, number> = {};
  const count = (oddity: string): void => {
    oddities[oddity] = (oddities[oddity] ?? 0) + 1;
  };
  list.forEach((record: unknown, index) => {
    const decoded = decodeStation(record, types, count, capacityOf);
    if ("reason" in decoded) {
      const path = `data.stations[${index}]${decoded.field === "" ? "" : `.${decoded.field}`}`;
      const { reason, stationId } = decoded;
      rejects.push({ reason, path, stationId, record: boundedRecord(record) });
      return;
    }
    const first = stations.get(decoded.stationId);
    if (first === undefined) stations.set(decoded.stationId, decoded);
    else if (JSON.stringify(first.source) === JSON.stringify(decoded.source)) count("repeated_station");
    else {
      const path = `data.stations[${index}].station_id`;
      rejects.push({ reason: "duplicate_station_id", path, stationId: decoded.stationId, record });
    }
  });
  return { ...header(file), stations: [...stations.values()], rejects, oddities };
}

interface Refusal {
  readonly reason: string;
  readonly field: string;
  readonly stationId: string | null;
}

/**
 * One station object, or why it cannot be used.
 * @param oddity told of what costs nothing but is worth counting
 */
export function decodeStation(
  record: unknown,
  types: ReadonlyMap<string, Propulsion>,
  oddity: (name: string) => void = () => undefined,
  capacityOf: CapacityOf = NO_CAPACITY,
): StationStatus | Refusal {
  const source = asObject(record);
  if (source === null) return { reason: "not_an_object", field: "", stationId: null };
  const stationId = asId(source["station_id"]);
  const unbounded = unboundedReason(source);
  if (unbounded !== null) return { reason: unbounded, field: "", stationId };
  if (stationId === null) return { reason: "missing_station_id", field: "station_id", stationId: null };
  const field = totalField(source);
  const total = asInteger(source[field]);
  if (total === null) return { reason: "missing_count", field, stationId };
  if (Number.isNaN(total)) return { reason: "not_a_count", field, stationId };
  if (total < 0) return { reason: "negative_count", field, stationId };
  if (total > MOST_VEHICLES) return { reason: "count_too_large", field, stationId };
  if (isPlaceholder(total)) return { reason: "placeholder_count", field, stationId };
  const split = vehicleSplit(source, total, types);
  if (split.disagrees) oddity("split_disagrees_with_total");
  if (split.unexplained) oddity("unexplained_vehicle_type");
  if (namesDisagree(source, total)) oddity("bikes_and_vehicles_disagree");
  return observation({
    stationId,
    stationCode: asId(source["stationCode"]),
    total: total,
    electric: split.electric,
    mechanical: split.mechanical,
    docks: freeDocks(source, total, capacityOf(stationId), oddity),
    isInstalled: asBoolean(source["is_installed"]),
    isRenting: asBoolean(source["is_renting"]),
    isReturning: asBoolean(source["is_returning"]),
    lastReportedMs: asTimeMs(source["last_reported"]),
    source,
  });
}

/** Free docks: one number, or (2.1 and later) the sum over the vehicle types that they take. */
function freeDocks(
  source: Json,
  total: number,
  capacity: number | null,
  oddity: (name: string) => void,
): number | null {
  const said = source["num_docks_available"] ?? source["numDocksAvailable"] ?? null;
  const byType = source["vehicle_docks_available"] ?? null;
  const free = asCount(said) ?? typedDocks(byType);
  if (said !== null ? asCount(said) === null : byType !== null && free === null) oddity("unusable_docks");
  if (free === null || !isPlaceholderDocks(free, total, capacity)) return free;
  oddity("placeholder_docks");
  return null;
}

/** Each entry counts docks of its own, though two may take the same type (GBFS 2.1, "vehicle_docks_available"). */
function typedDocks(value: unknown): number | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  let sum = 0;
  for (const item of value) {
    const count = asCount(asObject(item)?.["count"]);
    if (count === null) return null;
    sum += count;
  }
  return sum;
}

/** 3.x says vehicles, 1.x and 2.x say bikes, some feeds say both: then the newer name counts. */
const TOTAL_FIELDS = ["num_vehicles_available", "num_bikes_available", "numBikesAvailable"] as const;

function totalField(source: Json): string {
  return (
    TOTAL_FIELDS.find((name) => source[name] !== undefined && source[name] !== null) ?? "num_bikes_available"
  );
}

function namesDisagree(source: Json, total: number): boolean {
  return TOTAL_FIELDS.some((name) => {
    const said = asInteger(source[name]);
    return said !== null && said !== total;
  });
}
