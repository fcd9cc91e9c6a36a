/**
 * Electric and mechanical, per dialect. Where the feed does not say, the count is null: never invented.
 *
 *   Vélib'       num_bikes_available_types: [{"mechanical": 1}, {"ebike": 4}]
 *   Bicing       num_bikes_available_types: {"mechanical": 1, "ebike": 4}
 *   Lyft 1.1     num_ebikes_available: 4                 mechanical = total − electric
 *   GBFS 2.1+    vehicle_types_available, joined with vehicle_types.propulsion_type
 */
import { asId, asInteger, asObject, type Json } from "./fields.ts";

/** What moves a vehicle of one type, from `propulsion_type`. `other`: combustion, hydrogen. */
export type Propulsion = "electric" | "mechanical" | "other";

export interface Split {
  readonly electric: number | null;
  readonly mechanical: number | null;
}

const UNKNOWN: Split = { electric: null, mechanical: null };

/** The split of one station object whose total is `total`. */
export function vehicleSplit(station: Json, total: number, types: ReadonlyMap<string, Propulsion>): Split {
  const byName = station["num_bikes_available_types"];
  if (byName !== undefined && byName !== null) return namedSplit(byName);
  const ebikes = asInteger(station["num_ebikes_available"]);
  if (ebikes !== null && ebikes >= 0 && ebikes <= total)
    return { electric: ebikes, mechanical: total - ebikes };
  const available = station["vehicle_types_available"];
  return Array.isArray(available) ? typedSplit(available, types) : UNKNOWN;
}

function namedSplit(value: unknown): Split {
  let electric: number | null = null;
  let mechanical: number | null = null;
  for (const part of Array.isArray(value) ? value : [value]) {
    const counts = asObject(part);
    if (counts === null) return UNKNOWN;
    const ebike = asInteger(counts["ebike"]);
    const bike = asInteger(counts["mechanical"]);
    if (ebike !== null) electric = (electric ?? 0) + ebike;
    if (bike !== null) mechanical = (mechanical ?? 0) + bike;
  }
  return { electric: usable(electric), mechanical: usable(mechanical) };
}

function typedSplit(available: readonly unknown[], types: ReadonlyMap<string, Propulsion>): Split {
  const sums = { electric: 0, mechanical: 0, other: 0 };
  for (const item of available) {
    const entry = asObject(item);
    const id = asId(entry?.["vehicle_type_id"]);
    const count = asInteger(entry?.["count"]);
    const propulsion = id === null ? undefined : types.get(id);
    if (propulsion === undefined || count === null || !(count >= 0)) return UNKNOWN;
    sums[propulsion] += count;
  }
  return { electric: sums.electric, mechanical: sums.mechanical };
}

function usable(count: number | null): number | null {
  return count !== null && count >= 0 ? count : null;
}

/** The propulsion of every vehicle type of a `vehicle_types` file; types that do not say are left out. */
export function decodeVehicleTypes(body: unknown): Map<string, Propulsion> {
  const types = new Map<string, Propulsion>();
  const list = asObject(asObject(body)?.["data"])?.["vehicle_types"];
  for (const item of Array.isArray(list) ? list : []) {
    const type = asObject(item);
    const id = asId(type?.["vehicle_type_id"]);
    const propulsion = type?.["propulsion_type"];
    if (id === null || typeof propulsion !== "string") continue;
    types.set(
      id,
      propulsion.startsWith("electric") ? "electric" : propulsion === "human" ? "mechanical" : "other",
    );
  }
  return types;
}
