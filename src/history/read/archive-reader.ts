/**
 * Reads the archive, beside its writer or without one: what a station or an area was, and when anybody watched.
 *
 *   snapshot ─▶ last keyframe before the range ─▶ rows since, of the files that can hold them ─▶ points
 */
import { setImmediate } from "node:timers/promises";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { AppError, StorageError } from "../../errors.ts";
import type { HistoryGap } from "../../ports.ts";
import { segmentsOf, type Segment } from "../time/segments.ts";
import { dayOf } from "../files/layout.ts";
import { stateSources } from "../files/keyframes.ts";
import { mayHold, type DataFile } from "../files/manifest.ts";
import { rowsOfSystem } from "../sql/relation.ts";
import { COUNTS, type Point } from "./series.ts";
import { Snapshots, type Snapshot } from "./snapshot.ts";

/** Stands for null: DuckDB hands columns without nulls over much faster. */
const NO_COUNT = -1;
const COUNT_COLUMNS = COUNTS.map((count) => `coalesce(${count}, ${NO_COUNT})::DOUBLE`).join(", ");

/** Of 2,048 rows each: some ms. */
const CHUNKS_AT_ONCE = 8;

/** A file may be compacted away between the snapshot and the query. */
const MOST_TRIES = 5;

export interface Watched {
  readonly segments: readonly Segment[];
  readonly gaps: readonly HistoryGap[];
}

export class ArchiveReader {
  readonly folder: string;
  /** Made for the first query: it takes 20 MB. */
  #instance: Promise<DuckDBInstance> | null = null;
  readonly #snapshots: Snapshots;
  /** Connections that are free: one runs one query at a time. */
  readonly #idle: DuckDBConnection[] = [];

  /** @param folder the history folder; there need not be an archive yet */
  constructor(folder: string) {
    this.folder = folder;
    this.#snapshots = new Snapshots(folder);
  }

  close(): void {
    for (const connection of this.#idle.splice(0)) connection.closeSync();
    void this.#instance?.then(
      (instance) => instance.closeSync(),
      () => {},
    );
    this.#instance = null;
  }

  async #connect(): Promise<DuckDBConnection> {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    this.#instance ??= createInstance();
    return (await this.#instance).connect();
  }

  async snapshot(): Promise<Snapshot> {
    return this.#snapshots.take();
  }

  /**
   * Runs `query` on a snapshot, again on a newer one when compaction took a file away under it.
   * @throws StorageError when a file cannot be read
   */
  async query<T>(
    query: (snapshot: Snapshot, connection: DuckDBConnection) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const snapshot = await this.#snapshots.take();
      const connection = await this.#connect();
      const stop = (): void => connection.interrupt();
      signal?.addEventListener("abort", stop);
      try {
        signal?.throwIfAborted();
        return await query(snapshot, connection);
      } catch (error) {
        if (signal?.aborted === true) throw error;
        const gone = /no files found|cannot open file|no such file/i.test(String(error));
        if (gone && tries < MOST_TRIES) continue;
        throw unreadable(this.folder, error);
      } finally {
        signal?.removeEventListener("abort", stop);
        this.#idle.push(connection);
      }
    }
  }

  /** The points of an area from before `fromMs` until `toMs`. */
  async areaPoints(
    { system, area, ranges }: { system: string; area: string; ranges: readonly Range[] },
    signal?: AbortSignal,
  ): Promise<{ readonly points: readonly Point[]; readonly snapshot: Snapshot }> {
    return this.query(async (snapshot, connection) => {
      const files = filesFor(snapshot, "areas", system, ranges);
      const points = await readPoints(
        connection,
        files.length === 0
          ? null
          : `SELECT epoch, epoch_ms(as_of)::DOUBLE, NOT removed, ${COUNT_COLUMNS}, simulated
             FROM ${rowsOfSystem(this.folder, "areas", files, system)} WHERE area = $area`,
        { area },
      );
      const fresh = snapshot.fresh.areas
        .where({ system, area })
        .map((row): Point => ({ ...row, atMs: row.asOfMs, present: !row.removed }));
      return { points: inOrder(points, fresh), snapshot };
    }, signal);
  }

  /** The points of a station from before `fromMs` until `toMs`. */
  async stationPoints(
    { system, stationId, ranges }: { system: string; stationId: string; ranges: readonly Range[] },
    signal?: AbortSignal,
  ): Promise<{ readonly points: readonly Point[]; readonly snapshot: Snapshot }> {
    return this.query(async (snapshot, connection) => {
      const files = filesFor(snapshot, "stations", system, ranges);
      const points = await readPoints(
        connection,
        files.length === 0
          ? null
          : `SELECT epoch, epoch_ms(observed_at)::DOUBLE, event = 'observed', ${COUNT_COLUMNS}, simulated
             FROM ${rowsOfSystem(this.folder, "stations", files, system)} WHERE station_id = $stationId`,
        { stationId },
      );
      const fresh = snapshot.fresh.stations
        .where({ system, station_id: stationId })
        .map((row): Point => ({ ...row, atMs: row.observedAtMs, present: row.event === "observed" }));
      return { points: inOrder(points, fresh), snapshot };
    }, signal);
  }

  /** Whether any row tells of a station or an area, at any time. */
  async knows(
    table: "stations" | "areas",
    system: string,
    name: string,
    signal?: AbortSignal,
  ): Promise<boolean> {
    return this.query(async (snapshot, connection) => {
      const files = snapshot.manifest.files.filter((file) => file.table === table && mayHold(file, system));
      if (files.length === 0) return false;
      const column = table === "stations" ? "station_id" : "area";
      const result = await connection.runAndReadAll(
        `SELECT 1 FROM ${rowsOfSystem(this.folder, table, files, system)} WHERE ${column} = $name LIMIT 1`,
        { name },
      );
      return result.currentRowCount > 0;
    }, signal);
  }
}

async function createInstance(): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(":memory:", {
    threads: "2",
    memory_limit: "1GB",
    temp_directory: "",
    autoinstall_known_extensions: "false",
  });
  // Files never change once they are there: their footers are read once.
  const connection = await instance.connect();
  await connection.run("SET GLOBAL parquet_metadata_cache = true");
  connection.closeSync();
  return instance;
}

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The files that can tell of any of these ranges. */
function filesFor(
  { manifest }: Snapshot,
  table: "stations" | "areas",
  system: string,
  ranges: readonly Range[],
): readonly DataFile[] {
  const files = new Set<DataFile>();
  const own = manifest.files.filter((file) => file.table === table && mayHold(file, system));
  for (const { fromMs, toMs } of ranges) {
    const first = dayOf(fromMs);
    const last = dayOf(Math.max(fromMs, toMs - 1));
    const inRange = ({ day }: DataFile): boolean => day >= first && day <= last;
    for (const file of [...stateSources(manifest, table, system, first), ...own.filter(inRange)])
      files.add(file);
  }
  return [...files];
}

/** Who tells of a range, and where nobody does. */
export function watched(snapshot: Snapshot, system: string, range: Range, nowMs: number): Watched {
  const segments = segmentsOf(system, snapshot.spans, snapshot.epochs, { ...range, nowMs });
  const began = Math.min(
    ...snapshot.spans.filter((span) => span.system === system).map(({ fromMs }) => fromMs),
  );
  const recorded = [...snapshot.manifest.gaps, ...snapshot.fresh.gaps].filter((gap) => gap.system === system);
  const gaps = segments.flatMap(({ fromMs: beginMs, toMs, epoch }, index): HistoryGap[] => {
    if (epoch !== null) return [];
    // It begins with the record that is the last one known.
    const fromMs = index === 0 ? beginMs : beginMs - 1;
    const known = recorded.find((gap) => gap.fromMs < toMs && gap.toMs > beginMs);
    return [{ fromMs, toMs, reason: known?.reason ?? (toMs <= began ? "before_archive" : "not_collected") }];
  });
  return { segments, gaps };
}

async function readPoints(
  connection: DuckDBConnection,
  sql: string | null,
  values: Readonly<Record<string, string>>,
): Promise<Point[]> {
  if (sql === null) return [];
  const result = await connection.run(sql, values);
  const points: Point[] = [];
  for (const [index, chunk] of (await result.fetchAllChunks()).entries()) {
    // Long answers let whatever else the process has to do go first.
    if (index % CHUNKS_AT_ONCE === CHUNKS_AT_ONCE - 1) await setImmediate();
    const column = Array.from({ length: 8 }, (_, at) => chunk.getColumnVector(at));
    const count = (at: number, row: number): number | null => {
      const value = column[at]?.getItem(row) as number;
      return value === NO_COUNT ? null : value;
    };
    for (let row = 0; row < chunk.rowCount; row += 1)
      points.push({
        epoch: column[0]?.getItem(row) as number,
        atMs: column[1]?.getItem(row) as number,
        present: column[2]?.getItem(row) === true,
        total: count(3, row),
        electric: count(4, row),
        mechanical: count(5, row),
        docks: count(6, row),
        simulated: column[7]?.getItem(row) === true,
      });
  }
  return points;
}

/**
 * Points in order of time within each epoch. Files are sorted and follow each other by day, so mostly they are; a file
 * that is not compacted yet, a late row or a fresh one may not be. Of one instant, what is there comes after what is not:
 * a station that moves is retired in one partition and observed in another.
 */
function inOrder(points: readonly Point[], fresh: readonly Point[]): readonly Point[] {
  const all = fresh.length === 0 ? points : [...points, ...fresh];
  for (let at = 1; at < all.length; at += 1)
    if (compare(all[at - 1] as Point, all[at] as Point) > 0) return all.toSorted(compare);
  return all;
}

function compare(a: Point, b: Point): number {
  return a.epoch - b.epoch || a.atMs - b.atMs || Number(a.present) - Number(b.present);
}

function unreadable(folder: string, error: unknown): AppError {
  if (error instanceof AppError) return error;
  const text = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
  return new StorageError(
    "VELOSTREAM_STORAGE_INVALID",
    `The archive in ${folder} cannot be read (${text}). Check the folder, or restore the file from a backup.`,
    { cause: error },
  );
}
