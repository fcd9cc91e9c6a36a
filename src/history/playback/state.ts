/**
 * Where every station of an epoch is while its rows are played, told by what was said of it last; and after which rows
 * totals are published.
 *
 *   begin: the state, each area's totals once ─▶ play: window by window ─▶ end: another epoch tells, every station goes
 */
import type { PlayedWindow } from "./windows-read.ts";
import type { PlayedRow } from "./order.ts";
import { Publications, type Publication, type TouchingRow } from "./publications.ts";
import type { StationRow } from "../files/rows.ts";

export class PlaybackState {
  /** Whether the archive holds the totals that were published of these rows. */
  readonly #published: boolean;
  readonly #partitions = new Map<number, PlayedPartition>();

  constructor(published: boolean) {
    this.#published = published;
  }

  /** The stations as they are at the beginning: every area's totals follow its last one. */
  begin(state: readonly StationRow[]): readonly PlayedRow[] {
    // What has left a partition, and was not taken out of it, comes before what is in another.
    const rows = state.toSorted(
      (a, b) => Number(a.event === "observed") - Number(b.event === "observed") || a.offset - b.offset,
    );
    for (const row of rows) this.#partition(row.partition).take(row);
    return this.#withTotals(rows, new Set(rows.filter(isThere).map(({ area }) => area)));
  }

  /** The rows of a window by partition, with the totals that follow them. */
  play({ rows, totals, last }: PlayedWindow): ReadonlyMap<number, readonly PlayedRow[]> {
    for (const [partition, own] of Map.groupBy(totals, (each) => each.partition))
      this.#partition(partition).publications.add(own);
    const played = new Map<number, readonly PlayedRow[]>();
    for (const partition of new Set([...rows.keys(), ...this.#partitions.keys()]))
      played.set(
        partition,
        this.#partition(partition).play(rows.get(partition) ?? [], last, this.#published),
      );
    return played;
  }

  /**
   * Every station leaves at `atMs`: a new life of the log, or another one, begins with its own.
   * @param going areas that have stations in it too: the totals of the others are gone with the last station
   */
  end(atMs: number, going: ReadonlySet<string | null>): readonly PlayedRow[] {
    const stations = [...this.#partitions.values()].flatMap((partition) => partition.stations());
    const rows = stations.flatMap((row) => [
      retired(row, Math.max(atMs, row.observedAtMs)),
      removed(row, atMs),
    ]);
    const ending = new Set(stations.filter(isThere).map(({ area }) => area));
    return this.#withTotals(rows, new Set([...ending].filter((area) => !going.has(area))));
  }

  #withTotals(rows: readonly StationRow[], areas: ReadonlySet<string | null>): readonly PlayedRow[] {
    const last = new Map(rows.map(({ area }, index) => [area, index] as const));
    return rows.map((row, index) => {
      if (!this.#published) return { row, publish: null };
      const publish = row.area !== null && areas.has(row.area) && last.get(row.area) === index;
      return { row, publish: publish ? [row.area] : [] };
    });
  }

  #partition(partition: number): PlayedPartition {
    let held = this.#partitions.get(partition);
    if (held === undefined) this.#partitions.set(partition, (held = new PlayedPartition()));
    return held;
  }
}

/** One partition of the log as it was. */
class PlayedPartition {
  readonly publications = new Publications();
  readonly #stations = new Map<string, StationRow>();
  /** By area: the last word of the station that left it last. */
  readonly #left = new Map<string, StationRow>();

  stations(): readonly StationRow[] {
    return [...this.#stations.values()];
  }

  play(rows: readonly StationRow[], last: boolean, published: boolean): readonly PlayedRow[] {
    const known = this.#areas(rows);
    if (!published) {
      for (const { row } of known) this.take(row);
      return known.map(({ row }) => ({ row, publish: null }));
    }
    const after = Map.groupBy(this.publications.take(known, last), (publication) => publication.after);
    const played: PlayedRow[] = this.#saidAgain(after.get(-1) ?? []);
    for (const [index, { row }] of known.entries()) {
      const publications = after.get(index) ?? [];
      this.take(row);
      const publish = publications.filter(({ onRow }) => onRow).map(({ area }) => area);
      played.push({ row, publish }, ...this.#saidAgain(publications.filter(({ onRow }) => !onRow)));
    }
    return played;
  }

  take(row: StationRow): void {
    const held = this.#stations.get(row.stationId);
    const area = held?.area ?? null;
    if (held !== undefined && area !== null && (row.event !== "observed" || row.area !== area))
      this.#left.set(area, retired(held, Math.max(held.observedAtMs, row.observedAtMs)));
    if (row.event === "removed") this.#stations.delete(row.stationId);
    else if (held === undefined || row.observedAtMs >= held.observedAtMs)
      this.#stations.set(row.stationId, row);
  }

  /** The rows with the area each one touches; a tombstone of a station that nothing is known of touches none. */
  #areas(rows: readonly StationRow[]): readonly (TouchingRow & { readonly row: StationRow })[] {
    const areas = new Map<string, string | null>();
    const known: (TouchingRow & { readonly row: StationRow })[] = [];
    for (const row of rows) {
      const held = areas.has(row.stationId)
        ? (areas.get(row.stationId) ?? null)
        : (this.#stations.get(row.stationId)?.area ?? null);
      const area = row.area ?? held;
      areas.set(row.stationId, row.event === "removed" ? null : area);
      if (area === null) continue;
      known.push({ row: { ...row, area }, offset: row.offset, area, left: held === area ? null : held });
    }
    return known;
  }

  /** Totals that were published once more though no row of their area came: a row says again what is so. */
  #saidAgain(publications: readonly Publication[]): PlayedRow[] {
    return publications.flatMap(({ area }) => {
      const row =
        this.#stations.values().find((station) => isThere(station) && station.area === area) ??
        this.#left.get(area);
      return row === undefined ? [] : [{ row, publish: [area] }];
    });
  }
}

function isThere({ event }: StationRow): boolean {
  return event === "observed";
}

function retired(row: StationRow, observedAtMs: number): StationRow {
  return { ...row, event: "retired", total: 0, electric: 0, mechanical: 0, docks: 0, observedAtMs };
}

function removed(row: StationRow, atMs: number): StationRow {
  return { ...row, event: "removed", observedAtMs: atMs };
}
