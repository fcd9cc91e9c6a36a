/** Decodes `station_information`, GBFS 1.0 to 3.1 and Vélib'. */
import type { Reject, StationInformation, StationInformationFile } from "../station.ts";
import { asId, asInteger, asObject, asPosition, asText, header } from "./fields.ts";

/** Decodes one file. Never throws. @returns null when the body is no `station_information` at all */
export function decodeStationInformation(body: unknown): StationInformationFile | null {
  const file = asObject(body);
  const list = asObject(file?.["data"])?.["stations"];
  if (file === null || !Array.isArray(list)) return null;
  const stations: StationInformation[] = [];
  const rejects: Reject[] = [];
  list.forEach((record: unknown, index) => {
    const source = asObject(record);
    const stationId = asId(source?.["station_id"]);
    if (source === null || stationId === null) {
      rejects.push({
        reason: "missing_station_id",
        path: `data.stations[${index}].station_id`,
        stationId: null,
        record,
      });
      return;
    }
    const position = asPosition(source["lat"], source["lon"]);
    const capacity = asInteger(source["capacity"]);
    stations.push({
      stationId,
      stationCode: asId(source["stationCode"]),
      name: asText(source["name"]),
      lat: position?.lat ?? null,
      lon: position?.lon ?? null,
      capacity: capacity !== null && capacity >= 0 ? capacity : null,
      postCode: asId(source["post_code"]),
      regionId: asId(source["region_id"]),
    });
  });
  return { ...header(file), stations, rejects };
}
