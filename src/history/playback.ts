/**
 * Plays a range of the archive back as the raw records that it was made of, in the same batches: a batch ends where the
 * aggregate once published totals (their `through`), so that the aggregate behind the log publishes the same ones again.
 *
 *   state at `from` ─▶ batches of each day, by time ─▶ … ─▶ `to`
 */
import { areaPartitionKey } from "../domain/partitioning.ts";
import { RAW_SCHEMA, stationKey } from "../domain/raw-record.ts";
import type { Clock, ProduceRecord } from "../ports.ts";
import { watched, type ArchiveReader } from "./archive-reader.ts";
import { stationRowsOfDay, stationsAt, throughOffsetsOfDay } from "./archive-rows.ts";
import type { Segment } from "./coverage.ts";
import { dayOf, dayStartMs, nextDay } from "./layout.ts";
import type { StationRow } from "./rows.ts";

const HEADERS = Object.freeze({ schema: RAW_SCHEMA });

export interface PlaybackOptions {
  readonly reader: ArchiveReader;
  readonly system: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly rawTopic: string;
  readonly clock: Pick<Clock, "now">;
}

/** One batch: to be published at once, when it is due. */
export interface PlayedBatch {
  /** Event time, epoch ms. */
  readonly atMs: number;
  readonly records: readonly ProduceRecord[];
}

export async function* playBack(options: PlaybackOptions): AsyncGenerator<PlayedBatch> {
  const { reader, system, fromMs, toMs, clock } = options;
  const { segments } = await reader.query((snapshot) =>
    Promise.resolve(watched(snapshot, system, { fromMs, toMs }, clock.now())),
  );
  const told = segments.filter((segment) => segment.epoch !== null);
  const player = new Player(options.rawTopic);
  for (const segment of told) {
    const { epoch } = segment;
    if (epoch === null) continue;
    if (player.epoch !== epoch) {
      // What came before the range, or before this epoch's turn.
      const state = await reader.query((snapshot, connection) =>
        stationsAt(reader.folder, snapshot, connection, { system, epoch, atMs: segment.fromMs - 1 }),
      );
      yield* player.begin(epoch, state, segment.fromMs);
    }
    const last = segment === told.at(-1);
    yield* playSegment(options, segment, player, last ? Math.min(toMs, segment.toMs) : segment.toMs);
  }
}

async function* playSegment(
  { reader, system }: PlaybackOptions,
  { epoch, fromMs }: Segment,
  player: Player,
  toMs: number,
): AsyncGenerator<PlayedBatch> {
  for (let day = dayOf(fromMs); dayStartMs(day) < toMs; day = nextDay(day)) {
    const { rows, through } = await reader.query(async (snapshot, connection) => ({
      rows: await stationRowsOfDay(reader.folder, snapshot, connection, system, day),
      through: await throughOffsetsOfDay(reader.folder, snapshot, connection, system, day),
    }));
    const own = rows.filter(
      (row) => row.epoch === epoch && row.observedAtMs >= fromMs && row.observedAtMs <= toMs,
    );
    const ends = dayStartMs(nextDay(day)) >= toMs;
    yield* player.play(own, through, ends);
  }
}

/** Turns rows into batches of records, and knows where every station is. */
class Player {
  epoch: number | null = null;
  readonly #rawTopic: string;
  /** Rows of a partition after its last cut. */
  readonly #open = new Map<number, StationRow[]>();
  /** By partition and station: what was last said of it. */
  readonly #stations = new Map<string, StationRow>();
  /** Stations of the epoch before, until the new one has spoken of them. */
  #inherited: Map<string, StationRow> | null = null;

  constructor(rawTopic: string) {
    this.#rawTopic = rawTopic;
  }

  *begin(epoch: number, state: readonly StationRow[], atMs: number): Generator<PlayedBatch> {
    const first = this.epoch === null;
    this.epoch = epoch;
    if (!first) this.#inherited = new Map(this.#stations);
    const byPartition = Map.groupBy(
      state.toSorted((a, b) => a.offset - b.offset),
      ({ partition }) => partition,
    );
    for (const rows of byPartition.values()) yield this.#batch(rows, atMs);
  }

  *play(
    rows: readonly StationRow[],
    through: ReadonlyMap<string, readonly number[]>,
    ends: boolean,
  ): Generator<PlayedBatch> {
    const batches: { readonly atMs: number; readonly rows: readonly StationRow[] }[] = [];
    for (const [partition, own] of Map.groupBy(rows, (row) => row.partition)) {
      const cuts = through.get(`${this.epoch}:${partition}`);
      let open = this.#open.get(partition) ?? [];
      let next = 0;
      for (const row of own) {
        const before = open.at(-1);
        if (before !== undefined && isCut(before, row, cuts, (cut) => (next = cut), next)) {
          batches.push({ atMs: before.observedAtMs, rows: open });
          open = [];
        }
        open.push(row);
      }
      this.#open.set(partition, open);
    }
    for (const [partition, open] of this.#open) {
      const last = open.at(-1);
      const cut = last !== undefined && through.get(`${this.epoch}:${partition}`)?.includes(last.offset);
      if (last === undefined || !(ends || cut === true)) continue;
      batches.push({ atMs: last.observedAtMs, rows: open });
      this.#open.delete(partition);
    }
    for (const batch of batches.sort((a, b) => a.atMs - b.atMs)) {
      yield* this.#retireInherited(batch.atMs);
      yield this.#batch(batch.rows, batch.atMs);
    }
  }

  /** A log's new life begins with every station there is: once it has, the others are gone. */
  *#retireInherited(atMs: number): Generator<PlayedBatch> {
    const inherited = this.#inherited;
    if (inherited === null) return;
    const spoken = [...this.#stations.values()].filter(({ epoch }) => epoch === this.epoch);
    if (spoken.every(({ observedAtMs }) => observedAtMs >= atMs)) return;
    this.#inherited = null;
    const ids = new Set(spoken.map(({ stationId }) => stationId));
    const gone = [...inherited.values()].filter(({ stationId }) => !ids.has(stationId));
    const rows = gone.flatMap((row): StationRow[] => [
      { ...row, event: "retired", total: 0, electric: 0, mechanical: 0, docks: 0, observedAtMs: atMs },
      { ...row, event: "removed", observedAtMs: atMs },
    ]);
    if (rows.length > 0) yield this.#batch(rows, atMs);
  }

  #batch(rows: readonly StationRow[], atMs: number): PlayedBatch {
    const records: ProduceRecord[] = [];
    for (const row of rows) {
      const id = `${row.epoch}\n${row.partition}\n${row.stationId}`;
      const area = row.area ?? this.#stations.get(id)?.area ?? null;
      if (row.event === "removed") this.#stations.delete(id);
      else this.#stations.set(id, row);
      // A tombstone of a station that nothing is known of removes nothing.
      if (area === null) continue;
      records.push({
        topic: this.#rawTopic,
        key: stationKey(row.system, row.stationId),
        value: row.event === "removed" ? null : rawValue(row),
        partitionKey: areaPartitionKey(row.system, area),
        headers: HEADERS,
        timestampMs: row.observedAtMs,
      });
    }
    return { atMs, records };
  }
}

/** Whether totals were published between two records; where none are known, a batch is a poll. */
function isCut(
  before: StationRow,
  row: StationRow,
  cuts: readonly number[] | undefined,
  moveTo: (next: number) => void,
  next: number,
): boolean {
  if (cuts === undefined) return before.observedAtMs !== row.observedAtMs;
  let at = next;
  while ((cuts[at] ?? Infinity) < before.offset) at += 1;
  moveTo(at);
  return (cuts[at] ?? Infinity) < row.offset;
}

/** The raw record again, with the fields that the archive keeps (docs/history.md). */
function rawValue(row: StationRow): string {
  const retired = row.event === "retired";
  const feed = {
    ...(row.stationCode === null ? {} : { stationCode: row.stationCode }),
    ...(row.isInstalled === null ? {} : { is_installed: row.isInstalled }),
    ...(row.isRenting === null ? {} : { is_renting: row.isRenting }),
    ...(row.isReturning === null ? {} : { is_returning: row.isReturning }),
    ...(row.lastReportedMs === null ? {} : { last_reported: reported(row.lastReportedMs) }),
  };
  return JSON.stringify({
    ...(retired ? {} : feed),
    system_id: row.system,
    station_id: row.stationId,
    postcode: row.area,
    ...(row.slot === null ? {} : { slot: row.slot }),
    nbr_total: row.total,
    nbr_elec: row.electric,
    nbr_meca: row.mechanical,
    nbr_docks: row.docks,
    observed_at: row.observedAtMs,
    ...(row.areaRule === null ? {} : { area_rule: row.areaRule }),
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.lat === null ? {} : { lat: row.lat }),
    ...(row.lon === null ? {} : { lon: row.lon }),
    ...(row.capacity === null ? {} : { capacity: row.capacity }),
    ...(retired ? { retired: true } : {}),
    ...(row.simulated ? { simulated: true } : {}),
  });
}

/** Seconds, as feeds write it; text where it is no whole second. */
function reported(epochMs: number): number | string {
  return epochMs % 1000 === 0 ? epochMs / 1000 : new Date(epochMs).toISOString();
}
