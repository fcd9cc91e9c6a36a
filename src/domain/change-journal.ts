/**
 * The last changes of the live view, numbered, bounded: what a client that was away for a moment has missed.
 *
 *   seq   7   8   9  10  11        since(8) → 9, 10, 11
 *         │   └── kept ──┘         since(6) → null: 7 is gone, the client needs a snapshot
 *         └ dropped: more than `maxItems` areas and stations in all
 */
import type { LiveArea } from "./live-area.ts";
import type { LiveStation } from "./live-station.ts";

/** A station that changed; `placed`: it is new, or its place changed too. */
export interface StationChange {
  readonly station: LiveStation;
  readonly placed: boolean;
}

/** What one commit changed; each area and station at most once. */
export interface Delta {
  /** Counts up by one, from 1. */
  readonly seq: number;
  readonly areas: readonly LiveArea[];
  /** Areas that are gone, as they were last. */
  readonly areasRemoved: readonly LiveArea[];
  readonly stations: readonly StationChange[];
  /** Stations that are gone, as they were last. */
  readonly stationsRemoved: readonly LiveStation[];
}

export class ChangeJournal {
  readonly #maxItems: number;
  #deltas: Delta[] = [];
  /** Index in `#deltas` of the oldest one kept; those before it are swept in bulk. */
  #oldest = 0;
  #items = 0;
  #lastSeq = 0;

  /** @param maxItems areas and stations kept over all deltas */
  constructor(maxItems: number) {
    this.#maxItems = maxItems;
  }

  /** Number of the newest change; 0 before the first. */
  get lastSeq(): number {
    return this.#lastSeq;
  }

  /** Areas and stations held, for tests of boundedness. */
  get items(): number {
    return this.#items;
  }

  append(change: Omit<Delta, "seq">): Delta {
    this.#lastSeq += 1;
    const delta: Delta = { seq: this.#lastSeq, ...change };
    this.#deltas.push(delta);
    this.#items += sizeOf(delta);
    while (this.#items > this.#maxItems && this.#oldest < this.#deltas.length) {
      const dropped = this.#deltas[this.#oldest];
      if (dropped !== undefined) this.#items -= sizeOf(dropped);
      this.#oldest += 1;
    }
    if (this.#oldest * 2 > this.#deltas.length) {
      this.#deltas = this.#deltas.slice(this.#oldest);
      this.#oldest = 0;
    }
    return delta;
  }

  /** The changes after `seq`, oldest first; null when they are no longer all kept or `seq` was never given out. */
  since(seq: number): readonly Delta[] | null {
    if (seq === this.#lastSeq) return [];
    if (seq < 0 || seq > this.#lastSeq) return null;
    const kept = this.#deltas.length - this.#oldest;
    const missed = this.#lastSeq - seq;
    return missed > kept ? null : this.#deltas.slice(this.#deltas.length - missed);
  }
}

function sizeOf(delta: Delta): number {
  return (
    1 + delta.areas.length + delta.areasRemoved.length + delta.stations.length + delta.stationsRemoved.length
  );
}
