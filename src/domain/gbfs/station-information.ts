/** Decodes `station_information`, GBFS 1.0 to 3.1 and Vélib'. */
import type { Reject, StationInformation, StationInformationFile } from "../../record/station.ts";
import { boundedRecord } from "./bounds.ts";
import { asCount, asId, asObject, asPosition, asText } from "../../record/feed-values.ts";
import { header } from "./header.ts";
import { isPlaceholder } from "./placeholders.ts";

/**
 * Decodes one file. Never throws. Of two entries with one id the first stays; the second is an oddity, or a reject
 * when it places the station elsewhere.
 * @returns null when the body is no `station_information` at all
 */
export function decodeStationInformation(body: unknown): StationInformationFile | null {
  const file = asObject(body);
  const list = asObject(file?.["data"])?.["stations"];
  if (file === null || !Array.isArray(list)) return null;
  const stations = new Map<string, StationInformation>();
  const rejects: Reject[] = [];
  const oddities: Record<string, number> = {};
  const count = (oddity: string): void => {
    oddities[oddity] = (oddities[oddity] ?? 0) + 1;
  };
  list.forEach((record: unknown, index) => {
    const source = asObject(record);
    const stationId = asId(source?.["station_id"]);
    const reject = (reason: string): void => {
      const path = `data.stations[${index}].station_id`;
      rejects.push({ reason, path, stationId, record: boundedRecord(record) });
    };
    if (source === null || stationId === null) {
      reject("missing_station_id");
      return;
    }
    const position = asPosition(source["lat"], source["lon"]);
    const built = asCount(source["capacity"]) ?? typedCapacity(source["vehicle_docks_capacity"]);
    const limitless = built !== null && isPlaceholder(built);
    const station: StationInformation = {
      stationId,
      // Where there is no code, GBFS's `short_name` is what is painted on the station.
      stationCode: asId(source["stationCode"]) ?? asText(source["short_name"]),
      name: asText(source["name"]),
      lat: position?.lat ?? null,
      lon: position?.lon ?? null,
      capacity: limitless ? null : built,
      postCode: asId(source["post_code"]),
      regionId: asId(source["region_id"]),
    };
    const first = stations.get(stationId);
    if (first !== undefined) {
      if (first.lat === station.lat && first.lon === station.lon) count("repeated_station_information");
      else reject("duplicate_station_id");
      return;
    }
    if (position === null) count("station_without_position");
    if (limitless) count("placeholder_capacity");
    stations.set(stationId, station);
  });
  return { ...header(file), stations: [...stations.values()], rejects, oddities };
}

/** 3.1 gives docks per vehicle type instead of one capacity. */
function typedCapacity(value: unknown): number | null {
  if (!Array.isArray(value) || value.length === 0) return null;
  let sum = 0;
  for (const item of value) {
    const docks = asCount(asObject(item)?.["count"]);
    if (docks === null) return null;
    sum += docks;
  }
  return sum;
}
