/**
 * After which played row each recorded totals record is published again: the last row of its area that it covers.
 *
 *   rows of the area       a ─── b ───────── c          `through` of its totals: 7, then 12
 *   offsets                2     5     8     11
 *   published after              ▲           ▲           where no row is (nothing changed in between): a row says
 *                                7           12          again what was last said
 */
import type { PublishedTotals } from "./windows-read.ts";

/** A row of a partition, and the areas whose totals it may change. */
export interface TouchingRow {
  readonly offset: number;
  /** The area that it is counted in: its totals can follow it. */
  readonly area: string | null;
  /** An area that it leaves without a word. */
  readonly left: string | null;
}

/** Where totals are published: with a row of the area, or by a row made for that after another. */
export interface Publication {
  readonly area: string;
  /** Index of the row; -1 before the first. */
  readonly after: number;
  readonly onRow: boolean;
}

/** The totals of one partition that are still to be published. */
export class Publications {
  /** By area: `through` offsets, ascending. */
  readonly #pending = new Map<string, number[]>();

  add(totals: readonly PublishedTotals[]): void {
    for (const { area, throughOffset } of totals) {
      const offsets = this.#pending.get(area) ?? [];
      this.#pending.set(area, offsets);
      offsets.push(throughOffset);
    }
    for (const offsets of this.#pending.values()) offsets.sort((a, b) => a - b);
  }

  /**
   * Those that can be told of now.
   * @param rows in the order of the log
   * @param last no rows follow these
   */
  take(rows: readonly TouchingRow[], last: boolean): readonly Publication[] {
    const knownTo = last ? Infinity : (rows.at(-1)?.offset ?? -1);
    const touches = new Map<string, number[]>();
    for (const [index, { area, left }] of rows.entries())
      for (const touched of [area, left]) if (touched !== null) push(touches, touched, index);
    const publications: Publication[] = [];
    for (const [area, offsets] of this.#pending) {
      const own = touches.get(area) ?? [];
      let next = 0;
      let published = -1;
      while (offsets.length > 0) {
        const through = offsets[0] ?? 0;
        while (next < own.length && offsetAt(rows, own[next]) <= through) next += 1;
        // A row of the area may still follow that these totals cover.
        if (next === own.length && through > knownTo) break;
        offsets.shift();
        const at = own[next - 1] ?? -1;
        if (at > published && rows[at]?.area === area)
          publications.push({ area, after: (published = at), onRow: true });
        else publications.push({ area, after: lastCovered(rows, through), onRow: false });
      }
      if (offsets.length === 0) this.#pending.delete(area);
    }
    return publications;
  }
}

function push(touches: Map<string, number[]>, area: string, index: number): void {
  const own = touches.get(area);
  if (own === undefined) touches.set(area, [index]);
  else own.push(index);
}

function offsetAt(rows: readonly TouchingRow[], index: number | undefined): number {
  return rows[index ?? -1]?.offset ?? Infinity;
}

/** Index of the last row with an offset up to `through`; -1 when all are later. */
function lastCovered(rows: readonly TouchingRow[], through: number): number {
  let low = 0;
  let high = rows.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (offsetAt(rows, middle) <= through) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
