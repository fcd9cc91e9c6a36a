/** A station as the live view holds it, and where its record stands in the order of observations. */
import type { supersedesObservation } from "../record/observation-order.ts";
import { SUMMED, type Counts } from "../record/station-parts.ts";
import type { LiveStation } from "./live-station.ts";

export interface HeldStation {
  station: LiveStation;
  /** Where the record that counts was read: only that partition's tombstone removes it. */
  partition: number;
  retired: boolean;
  /** Of the newest record, also when it said nothing new. */
  observedAtMs: number;
}

/** Where the held record stands in the order; a retired one counts as zero everywhere. */
export function orderOf(held: HeldStation): Parameters<typeof supersedesObservation>[1] {
  const { station, observedAtMs, retired } = held;
  return retired ? { ...NONE, observedAtMs, retired } : { ...station, observedAtMs, retired };
}

const NONE = Object.fromEntries(SUMMED.map((name) => [name, 0])) as unknown as Counts;
