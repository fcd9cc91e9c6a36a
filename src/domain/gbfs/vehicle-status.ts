/** Decodes `free_bike_status` (1.x, 2.x) and `vehicle_status` (3.x): the vehicles that stand by themselves. */
import type { Reject } from "../../record/station.ts";
import { boundedRecord } from "./bounds.ts";
import { asBoolean, asId, asObject, asPosition } from "../../record/feed-values.ts";
import { header } from "./header.ts";

/** One vehicle. Its id rotates after every rental, so it is no key of anything: it only tells repeats. */
export interface FreeVehicle {
  /** Null where the feed gives none. */
  readonly vehicleId: string | null;
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
  const vehicles: FreeVehicle[] = [];
  const seen = new Set<string>();
  const rejects: Reject[] = [];
  const oddities: Record<string, number> = {};
  const count = (oddity: string): void => {
    oddities[oddity] = (oddities[oddity] ?? 0) + 1;
  };
  list.forEach((record: unknown, index) => {
    const vehicle = decodeVehicle(record);
    if (typeof vehicle === "string") {
      const path = `data.${field}[${index}]`;
      rejects.push({ reason: vehicle, path, stationId: null, record: boundedRecord(record) });
      return;
    }
    const { vehicleId } = vehicle;
    if (vehicleId === null) count("vehicle_without_id");
    else if (seen.has(vehicleId)) {
      count("repeated_vehicle");
      return;
    } else seen.add(vehicleId);
    vehicles.push(vehicle);
  });
  return { ...header(file), vehicles, rejects, oddities };
}

/** One vehicle, or the reason why the record is none. */
function decodeVehicle(record: unknown): FreeVehicle | "not_an_object" | "missing_vehicle_id" {
  const source = asObject(record);
  if (source === null) return "not_an_object";
  const vehicleId = vehicleIdOf(source["vehicle_id"]) ?? vehicleIdOf(source["bike_id"]);
  const typeId = asId(source["vehicle_type_id"]);
  const stationId = asId(source["station_id"]);
  const position = asPosition(source["lat"], source["lon"]);
  // Without an id it is a vehicle all the same, as long as it is anywhere or of any kind.
  if (vehicleId === null && typeId === null && stationId === null && position === null)
    return "missing_vehicle_id";
  return {
    vehicleId,
    typeId,
    stationId,
    lat: position?.lat ?? null,
    lon: position?.lon ?? null,
    available: asBoolean(source["is_reserved"]) !== true && asBoolean(source["is_disabled"]) !== true,
  };
}

/** Publishers who hide ids write null, an empty text, or the word for it. */
function vehicleIdOf(value: unknown): string | null {
  const id = asId(value);
  return id === null || /^(null|none|undefined|nan|n\/a|-|)$/i.test(id.trim()) ? null : id;
}
