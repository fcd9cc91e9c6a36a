/**
 * The counts of a station that are summed (station-fields.ts), as numbers side by side in the table's order: what is done
 * with every record is done by their place, without a name, and takes as long however the fields are called.
 *
 *   block  │ 5 1 4 29 │ 12 -1 -1 8 │ …      -1: not known, which is lower than any count
 *            └ at: 0    └ at: 4
 */
import { SUMMED, type Counts } from "./station-parts.ts";

/** How many there are of each station. */
export const COUNTS = SUMMED.length;
/** Stands for a count that is not known. */
export const UNKNOWN = -1;
/** Stations in one block. */
const BLOCK_STATIONS = 1_024;

/** Where the counts of one station are. */
export interface Counted {
  readonly counts: Float64Array;
  /** Of the first. */
  readonly at: number;
}

/** Puts counts by name to `counts`, from its start on. */
export function putCounts(values: Counts, counts: Float64Array): void {
  for (let i = 0; i < COUNTS; i += 1) counts[i] = values[SUMMED[i] as keyof Counts] ?? UNKNOWN;
}

/** Counts by name in a place of their own. */
export function countedOf(values: Counts): Counted {
  const counts = new Float64Array(COUNTS);
  putCounts(values, counts);
  return { counts, at: 0 };
}

/** Places for the counts of many stations, in blocks: an array for each would take twice the memory of what is in it. */
export class CountBlocks {
  #block = new Float64Array(0);
  #next = 0;
  readonly #free: Counted[] = [];

  /** A place that nobody else has, with anything in it. */
  take(): Counted {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#next === this.#block.length) {
      // The first stations get a small block: most processes hold one city.
      const stations = this.#block.length === 0 ? BLOCK_STATIONS / 16 : BLOCK_STATIONS;
      this.#block = new Float64Array(stations * COUNTS);
      this.#next = 0;
    }
    const at = this.#next;
    this.#next += COUNTS;
    return { counts: this.#block, at };
  }

  giveBack({ counts, at }: Counted): void {
    this.#free.push({ counts, at });
  }
}
