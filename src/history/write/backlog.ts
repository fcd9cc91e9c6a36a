/** What is acknowledged in journals and not in files yet: counted, so that what a flush reads back can be told to be all. */
import type { RecordedGap } from "../files/manifest.ts";

export interface JournaledRows {
  readonly stations: number;
  readonly areas: number;
  /** Gaps that became known with these rows. */
  readonly gaps: readonly RecordedGap[];
}

const NONE: JournaledRows = { stations: 0, areas: 0, gaps: [] };

export class Journaled {
  #rows = NONE;
  /** Since when there are some; null while there are none. */
  sinceMs: number | null = null;

  get count(): number {
    return this.#rows.stations + this.#rows.areas;
  }

  /** @param sinceMs when they came */
  add({ stations, areas, gaps }: JournaledRows, sinceMs: number): void {
    const rows = this.#rows;
    this.#rows = {
      stations: rows.stations + stations,
      areas: rows.areas + areas,
      gaps: [...rows.gaps, ...gaps],
    };
    this.sinceMs = Math.min(sinceMs, this.sinceMs ?? Infinity);
  }

  /** All of them, to become files. */
  take(): JournaledRows {
    const rows = this.#rows;
    this.#rows = NONE;
    this.sinceMs = null;
    return rows;
  }
}
