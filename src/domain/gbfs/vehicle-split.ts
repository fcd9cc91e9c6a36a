/**
 * Electric and mechanical, per dialect. Where the feed does not say, the count is null: never invented.
 *
 *   Vélib'       num_bikes_available_types: [{"mechanical": 1}, {"ebike": 4}]
 *   Bicing       num_bikes_available_types: {"mechanical": 1, "ebike": 4}
 *   BCycle       num_bikes_available_types: {"electric": 2, "smart": 0, "classic": 1}
 *   Lyft 1.1     num_ebikes_available: 4                 mechanical = total − electric
 *   GBFS 2.1+    vehicle_types_available, joined with vehicle_types.propulsion_type
 */
import { asCount, asId, asInteger, asObject, type Json } from "../../record/feed-values.ts";
import { propulsionOf, type Propulsion } from "./propulsion.ts";

export interface Split {
  readonly electric: number | null;
  readonly mechanical: number | null;
  /** The parts do not add up to the total: both stand, and a counter says so. */
  readonly disagrees: boolean;
  /** Vehicles are there of a kind that nothing explains. */
  readonly unexplained: boolean;
}

const UNKNOWN: Split = { electric: null, mechanical: null, disagrees: false, unexplained: false };

/** The split of one station object whose total is `total`: from the first of its fields that tells one. */
export function vehicleSplit(station: Json, total: number, types: ReadonlyMap<string, Propulsion>): Split {
  const named = namedSplit(station["num_bikes_available_types"], total);
  if (named.electric !== null || named.mechanical !== null) return named;
  const ebikes = asCount(station["num_ebikes_available"]);
  if (ebikes !== null) {
    // More electric bikes than bikes: what is left for the others is anyone's guess.
    const mechanical = ebikes > total ? null : total - ebikes;
    return { electric: ebikes, mechanical, disagrees: mechanical === null, unexplained: false };
  }
  const available = station["vehicle_types_available"];
  const typed = Array.isArray(available) ? typedSplit(available, total, types) : UNKNOWN;
  return named.unexplained ? { ...typed, unexplained: true } : typed;
}

/** Counts by words for what moves them, in one object or in an array of them. */
function namedSplit(value: unknown, total: number): Split {
  if (value === undefined || value === null) return UNKNOWN;
  const sums = new Sums();
  for (const part of Array.isArray(value) ? value : [value]) {
    const counts = asObject(part);
    if (counts === null) return UNKNOWN;
    for (const word of Object.keys(counts)) {
      const count = asInteger(counts[word]);
      if (count !== null) sums.add(propulsionOf(word), count);
    }
  }
  return sums.split(total, null);
}

function typedSplit(
  available: readonly unknown[],
  total: number,
  types: ReadonlyMap<string, Propulsion>,
): Split {
  const sums = new Sums();
  for (const item of available) {
    const entry = asObject(item);
    const id = asId(entry?.["vehicle_type_id"]);
    const count = asCount(entry?.["count"]);
    if (id === null || count === null) return UNKNOWN;
    sums.add(types.get(id) ?? "unknown", count);
  }
  // Nothing of a known kind beside a total says that the publisher does not fill it in, not that there are none.
  if (total > 0 && !sums.told) return { ...UNKNOWN, unexplained: sums.unexplained };
  return sums.split(total, 0);
}

/** The parts of one station, added up. */
class Sums {
  #electric: number | null = null;
  #mechanical: number | null = null;
  #other = 0;
  #unknown = 0;
  #told = false;

  add(propulsion: Propulsion, count: number): void {
    if (propulsion === "electric") this.#electric = (this.#electric ?? 0) + count;
    else if (propulsion === "mechanical") this.#mechanical = (this.#mechanical ?? 0) + count;
    // What is not a count of any known part tells nothing, and least of all that there are none.
    else if (propulsion === "other") this.#other += count > 0 ? count : 0;
    else if (count > 0) this.#unknown += count;
    if (propulsion !== "unknown") this.#told = true;
  }

  /** A part of a known kind was among them, were it of no vehicle. */
  get told(): boolean {
    return this.#told;
  }

  get unexplained(): boolean {
    return this.#unknown > 0;
  }

  /** @param absent what a part counts that was not mentioned */
  split(total: number, absent: 0 | null): Split {
    const electric = asCount(this.#electric ?? absent);
    const mechanical = asCount(this.#mechanical ?? absent);
    const explained = (electric ?? 0) + (mechanical ?? 0) + this.#other;
    // What nothing explains may be of either kind, unless the known parts are the whole total already.
    if (this.#unknown > 0 && explained < total) return { ...UNKNOWN, unexplained: true };
    const disagrees = electric !== null && mechanical !== null && explained !== total;
    return { electric, mechanical, disagrees, unexplained: this.#unknown > 0 };
  }
}
