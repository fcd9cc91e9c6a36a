/** The running sums of an area: what adding and subtracting stations keeps, and when two of them say the same. */
import { COUNTS, type Counted } from "../record/counts.ts";
import { SUMMED } from "../record/station-parts.ts";

/** Of every count of a station that is summed (record/counts.ts), in its order: */
export interface Sums {
  stations: number;
  /** the sum over the stations that say it, */
  readonly sums: Float64Array;
  /** and how many these are. */
  readonly known: Float64Array;
  /** Stations that do not tell electric from mechanical. */
  withoutSplit: number;
}

export function nothing(): Sums {
  return { stations: 0, sums: new Float64Array(COUNTS), known: new Float64Array(COUNTS), withoutSplit: 0 };
}

const ELECTRIC = SUMMED.indexOf("electric");
const MECHANICAL = SUMMED.indexOf("mechanical");

/** Adds (sign 1) or subtracts (sign -1) a station's share. */
export function share(area: Sums, station: Counted, sign: 1 | -1): void {
  const { sums, known } = area;
  const { counts, at } = station;
  area.stations += sign;
  for (let i = 0; i < COUNTS; i += 1) {
    const count = counts[at + i] as number;
    if (count < 0) continue;
    sums[i] = (sums[i] as number) + sign * count;
    known[i] = (known[i] as number) + sign;
  }
  if (lacksSplit(station)) area.withoutSplit += sign;
}

/** Puts `next` in place of `held`, a share that the area has: as taking one away and adding the other, in one go. */
export function replace(area: Sums, held: Counted, next: Counted): void {
  const { sums, known } = area;
  const { counts } = held;
  const lacked = lacksSplit(held);
  for (let i = 0; i < COUNTS; i += 1) {
    const before = counts[held.at + i] as number;
    const after = next.counts[next.at + i] as number;
    if (before === after) continue;
    counts[held.at + i] = after;
    sums[i] = (sums[i] as number) + (after < 0 ? 0 : after) - (before < 0 ? 0 : before);
    known[i] = (known[i] as number) + (after < 0 ? 0 : 1) - (before < 0 ? 0 : 1);
  }
  const lacks = lacksSplit(held);
  if (lacks !== lacked) area.withoutSplit += lacks ? 1 : -1;
}

function lacksSplit({ counts, at }: Counted): boolean {
  return (counts[at + ELECTRIC] as number) < 0 || (counts[at + MECHANICAL] as number) < 0;
}

/** The sum of the count at a place; null when no station says it. */
export function sumAt({ sums, known }: Sums, place: number): number | null {
  return (known[place] ?? 0) > 0 ? (sums[place] ?? 0) : null;
}

export function differ(a: Sums, b: Sums): boolean {
  if (a.stations !== b.stations || a.withoutSplit !== b.withoutSplit) return true;
  for (let i = 0; i < COUNTS; i += 1)
    if (a.sums[i] !== b.sums[i] || (a.known[i] as number) > 0 !== (b.known[i] as number) > 0) return true;
  return false;
}

export function copy({ stations, sums, known, withoutSplit }: Sums): Sums {
  return { stations, sums: sums.slice(), known: known.slice(), withoutSplit };
}
