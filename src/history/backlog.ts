/**
 * Rows that the journal could not take yet (the disk is full): all of them while they are few, then the latest of each
 * station and area. What is left out that way is a gap, with its reason.
 */
import type { RecordedGap } from "./manifest.ts";
import type { AreaRow, StationRow } from "./rows.ts";

/** Rows kept whole: some 20 minutes of Vélib', 50 MB. */
const MOST_ROWS = 100_000;

export class Backlog {
  #stations: StationRow[] = [];
  #areas: AreaRow[] = [];
  readonly #interrupted = new Set<number>();
  #behind = false;
  /** By system: since when rows were left out. */
  readonly #lossyFromMs = new Map<string, number>();
  readonly #mostRows: number;

  constructor(mostRows = MOST_ROWS) {
    this.#mostRows = mostRows;
  }

  get rows(): number {
    return this.#stations.length + this.#areas.length;
  }

  get stations(): readonly StationRow[] {
    return this.#stations;
  }

  get areas(): readonly AreaRow[] {
    return this.#areas;
  }

  /** Partitions whose records before these rows are missing; true when rows of any were left out. */
  get interrupted(): boolean | readonly number[] {
    if (this.#lossyFromMs.size > 0) return true;
    return this.#interrupted.size > 0 && [...this.#interrupted];
  }

  /** Some of these rows were read before the log's end was reached. */
  get behind(): boolean {
    return this.#behind;
  }

  add(
    stations: readonly StationRow[],
    areas: readonly AreaRow[],
    { interrupted, behind }: { readonly interrupted: readonly number[]; readonly behind: boolean },
  ): void {
    // Not spread: a batch may be more than a call takes arguments.
    for (const row of stations) this.#stations.push(row);
    for (const row of areas) this.#areas.push(row);
    for (const partition of interrupted) this.#interrupted.add(partition);
    this.#behind ||= behind;
    if (this.rows <= this.#mostRows) return;
    for (const { system, observedAtMs } of this.#stations)
      this.#lossyFromMs.set(system, Math.min(observedAtMs, this.#lossyFromMs.get(system) ?? Infinity));
    this.#stations = latest(this.#stations, (row) => `${row.system}\n${row.partition}\n${row.stationId}`);
    this.#areas = latest(this.#areas, (row) => `${row.system}\n${row.area}`);
  }

  /** The gaps that leaving out made, up to the newest row of each system. */
  gaps(reason: string): readonly RecordedGap[] {
    return [...this.#lossyFromMs].map(([system, fromMs]) => {
      let toMs = fromMs;
      for (const row of this.#stations) if (row.system === system) toMs = Math.max(toMs, row.observedAtMs);
      return { system, fromMs, toMs, reason };
    });
  }

  clear(): void {
    this.#stations = [];
    this.#areas = [];
    this.#interrupted.clear();
    this.#behind = false;
    this.#lossyFromMs.clear();
  }
}

/** The last row of each key, in the order of the log. */
function latest<R>(rows: readonly R[], keyOf: (row: R) => string): R[] {
  const last = new Map<string, number>();
  for (const [index, row] of rows.entries()) last.set(keyOf(row), index);
  return rows.filter((row, index) => last.get(keyOf(row)) === index);
}
