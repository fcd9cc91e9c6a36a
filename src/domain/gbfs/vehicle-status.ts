/** Decodes `free_bike_status` (1.x, 2.x) and `vehicle_status` (3.x): the vehicles that stand by themselves. */
import type { Reject } from "../station.ts";
import { boundedRecord } from "./bounds.ts";
import { asBoolean, asId, asObject, asPosition, header } from "./fields.ts";

/** One vehicle. Its id rotates after every rental, so it is no key of anything. */
export interface FreeVehicle {
  readonly vehicleId: string;
  readonly typeId: string | null;
  /** The station it is docked at, where the feed lists docked vehicles too (2.1 and later). */
  readonly stationId: string | null;
  readonly lat: number | null;
  readonly lon: number | null;
  /** Neither reserved nor disabled. */
  readonly available: boolean;
}

/** One decoded file. */
export interface VehicleStatusFile {
  readonly version: string | null;
  readonly lastUpdatedMs: number | null;
  readonly ttlSeconds: number | null;
  readonly vehicles: readonly FreeVehicle[];
  readonly rejects: readonly Reject[];
  readonly oddities: Readonly<Record<string, number>>;
}

/** Decodes one file. Never throws. @returns null when the body is no vehicle status at all */
export function decodeVehicleStatus(body: unknown): VehicleStatusFile | null {
  const file = asObject(body);
  const data = asObject(file?.["data"]);
  const field = data?.["vehicles"] === undefined ? "bikes" : "vehicles";
  const list = data?.[field];
  if (file === null || !Array.isArray(list)) return null;
  const vehicles = new Map<string, FreeVehicle>();
  const rejects: Reject[] = [];
  let repeated = 0;
  list.forEach((record: unknown, index) => {
    const source = asObject(record);
    const vehicleId = asId(source?.["vehicle_id"] ?? source?.["bike_id"]);
    if (source === null || vehicleId === null) {
      const reason = source === null ? "not_an_object" : "missing_vehicle_id";
      rejects.push({
        reason,
        path: `data.${field}[${index}]`,
        stationId: null,
        record: boundedRecord(record),
      });
      return;
    }
    if (vehicles.has(vehicleId)) {
      repeated += 1;
      return;
    }
    const position = asPosition(source["lat"], source["lon"]);
    vehicles.set(vehicleId, {
      vehicleId,
      typeId: asId(source["vehicle_type_id"]),
      stationId: asId(source["station_id"]),
      lat: position?.lat ?? null,
      lon: position?.lon ?? null,
      available: asBoolean(source["is_reserved"]) !== true && asBoolean(source["is_disabled"]) !== true,
    });
  });
  const oddities = repeated > 0 ? { repeated_vehicle: repeated } : {};
  return { ...header(file), vehicles: [...vehicles.values()], rejects, oddities };
}
