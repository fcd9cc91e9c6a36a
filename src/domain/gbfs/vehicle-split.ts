/**
 * Electric and mechanical, per dialect. Where the feed does not say, the count is null: never invented.
 *
 *   Vélib'       num_bikes_available_types: [{"mechanical": 1}, {"ebike": 4}]
 *   Bicing       num_bikes_available_types: {"mechanical": 1, "ebike": 4}
 *   Lyft 1.1     num_ebikes_available: 4                 mechanical = total − electric
 *   GBFS 2.1+    vehicle_types_available, joined with vehicle_types.propulsion_type
 */
import { asCount, asId, asInteger, asObject, type Json } from "./fields.ts";

/** What moves a vehicle of one type, from `propulsion_type`. `other`: combustion, hydrogen. */
export type Propulsion = "electric" | "mechanical" | "other";

export interface Split {
  readonly electric: number | null;
  readonly mechanical: number | null;
  /** The parts do not add up to the total: both stand, and a counter says so. */
  readonly disagrees: boolean;
}

const UNKNOWN: Split = { electric: null, mechanical: null, disagrees: false };

/** The split of one station object whose total is `total`. */
export function vehicleSplit(station: Json, total: number, types: ReadonlyMap<string, Propulsion>): Split {
  const byName = station["num_bikes_available_types"];
  if (byName !== undefined && byName !== null) return namedSplit(byName, total);
  const ebikes = asCount(station["num_ebikes_available"]);
  if (ebikes !== null) {
    // More electric bikes than bikes: what is left for the others is anyone's guess.
    if (ebikes > total) return { electric: ebikes, mechanical: null, disagrees: true };
    return { electric: ebikes, mechanical: total - ebikes, disagrees: false };
  }
  const available = station["vehicle_types_available"];
  return Array.isArray(available) ? typedSplit(available, total, types) : UNKNOWN;
}

function namedSplit(value: unknown, total: number): Split {
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
  electric = asCount(electric);
  mechanical = asCount(mechanical);
  const disagrees = electric !== null && mechanical !== null && electric + mechanical !== total;
  return { electric, mechanical, disagrees };
}

function typedSplit(
  available: readonly unknown[],
  total: number,
  types: ReadonlyMap<string, Propulsion>,
): Split {
  const sums = { electric: 0, mechanical: 0, other: 0 };
  for (const item of available) {
    const entry = asObject(item);
    const id = asId(entry?.["vehicle_type_id"]);
    const count = asCount(entry?.["count"]);
    const propulsion = id === null ? undefined : types.get(id);
    if (propulsion === undefined || count === null) return UNKNOWN;
    sums[propulsion] += count;
  }
  // An empty list beside a total says that the publisher does not fill it in, not that there are none.
  if (available.length === 0 && total > 0) return UNKNOWN;
  const disagrees = sums.electric + sums.mechanical + sums.other !== total;
  return { electric: sums.electric, mechanical: sums.mechanical, disagrees };
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
