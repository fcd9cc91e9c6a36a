/** Decodes `station_status`, GBFS 1.0 to 3.1 and Vélib', into the one model; what cannot be used is a reject. */
import type { Reject, StationStatus, StationStatusFile } from "../station.ts";
import { asBoolean, asId, asInteger, asObject, asTimeMs, header, type Json } from "./fields.ts";
import { vehicleSplit, type Propulsion } from "./vehicle-split.ts";

/**
 * Decodes one file. Never throws; one bad station never costs the others (invariant 7).
 * Duplicate ids: the first stays; a later one that says otherwise is a reject, an identical one an oddity.
 * @returns null when the body is no `station_status` at all
 */
export function decodeStationStatus(
  body: unknown,
  types: ReadonlyMap<string, Propulsion>,
): StationStatusFile | null {
  const file = asObject(body);
  const list = asObject(file?.["data"])?.["stations"];
  if (file === null || !Array.isArray(list)) return null;
  const stations = new Map<string, StationStatus>();
  const rejects: Reject[] = [];
  const oddities: Record<string, number> = {};
  list.forEach((record: unknown, index) => {
    const decoded = decodeStation(record, types);
    if ("reason" in decoded) {
      const path = `data.stations[${index}]${decoded.field === "" ? "" : `.${decoded.field}`}`;
      rejects.push({ reason: decoded.reason, path, stationId: decoded.stationId, record });
      return;
    }
    const first = stations.get(decoded.stationId);
    if (first !== undefined) {
      if (JSON.stringify(first.source) === JSON.stringify(decoded.source))
        count(oddities, "repeated_station");
      else {
        const path = `data.stations[${index}].station_id`;
        rejects.push({ reason: "duplicate_station_id", path, stationId: decoded.stationId, record });
      }
      return;
    }
    const { electricAvailable, mechanicalAvailable } = decoded;
    if (
      electricAvailable !== null &&
      mechanicalAvailable !== null &&
      electricAvailable + mechanicalAvailable !== decoded.vehiclesAvailable
    ) {
      count(oddities, "split_disagrees_with_total");
    }
    stations.set(decoded.stationId, decoded);
  });
  return { ...header(file), stations: [...stations.values()], rejects, oddities };
}

interface Refusal {
  readonly reason: string;
  readonly field: string;
  readonly stationId: string | null;
}

/** One station object, or why it cannot be used. */
export function decodeStation(
  record: unknown,
  types: ReadonlyMap<string, Propulsion>,
): StationStatus | Refusal {
  const source = asObject(record);
  if (source === null) return { reason: "not_an_object", field: "", stationId: null };
  const stationId = asId(source["station_id"]);
  if (stationId === null) return { reason: "missing_station_id", field: "station_id", stationId: null };
  const field = totalField(source);
  const total = asInteger(source[field]);
  if (total === null) return { reason: "missing_count", field, stationId };
  if (Number.isNaN(total)) return { reason: "not_a_count", field, stationId };
  if (total < 0) return { reason: "negative_count", field, stationId };
  const docks = asInteger(source["num_docks_available"] ?? source["numDocksAvailable"]);
  const split = vehicleSplit(source, total, types);
  return {
    stationId,
    stationCode: asId(source["stationCode"]),
    vehiclesAvailable: total,
    electricAvailable: split.electric,
    mechanicalAvailable: split.mechanical,
    docksAvailable: docks !== null && docks >= 0 ? docks : null,
    isInstalled: asBoolean(source["is_installed"]),
    isRenting: asBoolean(source["is_renting"]),
    isReturning: asBoolean(source["is_returning"]),
    lastReportedMs: asTimeMs(source["last_reported"]),
    source,
  };
}

/** 3.x says vehicles, 1.x and 2.x say bikes, some feeds say both: then the newer name counts. */
function totalField(source: Json): string {
  if (source["num_vehicles_available"] !== undefined) return "num_vehicles_available";
  if (source["num_bikes_available"] !== undefined) return "num_bikes_available";
  return source["numBikesAvailable"] === undefined ? "num_bikes_available" : "numBikesAvailable";
}

function count(counters: Record<string, number>, name: string): void {
  counters[name] = (counters[name] ?? 0) + 1;
}
