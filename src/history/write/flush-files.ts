/**
 * Journals to Parquet files, in this process and a few milliseconds at a time: every five minutes is too often for
 * DuckDB's memory (docs/decisions/0045).
 */
import { writeBytes } from "../files/durable-files.ts";
import { realPath, removeInside } from "../files/safe-paths.ts";
import { readFrames } from "../files/journal.ts";
import { DAY_MS, dataPath, dayStartMs, journalPath } from "../files/layout.ts";
import type { DataFile } from "../files/manifest.ts";
import { PackedTable, placeOf } from "../files/packed-table.ts";
import { ParquetEncoder, QUICK } from "../files/parquet-encoder.ts";
import type { PlainTable } from "../files/parquet-jobs.ts";
import { RowGroups, type RowGroup } from "../files/file-groups.ts";
import {
  AREA_COLUMNS,
  STATION_COLUMNS,
  toCells,
  type AreaRow,
  type Cell,
  type StationRow,
} from "../files/rows.ts";

/** Journals that become files. */
export interface FlushJob {
  /** Journals from this one up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
  /** Rows that were acknowledged: what is read must be these. */
  readonly stations: number;
  readonly areas: number;
  /** Names every file made: no two of a flush are of one table, system and day. */
  readonly number: number;
}

/** A file of a flush, whole and synced, and the epochs that its rows are of. */
export interface FlushedFile {
  readonly file: DataFile;
  readonly epochs: readonly number[];
}

export interface Flushed {
  readonly files: readonly FlushedFile[];
  /** Of the first row that tells; absent where none does. */
  readonly simulated?: boolean;
}

/** Rejects when rows are missing in the journals; nothing is left of its files then. */
export async function flushJournals(folder: string, job: FlushJob): Promise<Flushed> {
  const { from, to, number } = job;
  const [stations, areas] = [new NewRows("stations"), new NewRows("areas")];
  for (let journal = from; journal < to; journal += 1)
    for await (const { frame } of readFrames(folder, journal)) {
      for (const cells of frame.stations) stations.push(cells);
      for (const cells of frame.areas) areas.push(cells);
    }
  const [first, second] = [stations.rows.length, areas.rows.length];
  if (first !== job.stations || second !== job.areas)
    throw new Error(
      `${journalPath(folder, to - 1)} does not hold what was written to it: ${first} and ${second} rows instead of ${job.stations} and ${job.areas}`,
    );
  return writeTables(folder, [stations, areas], number);
}

/** Writes rows into as many files as they have groups, all of that number; all of them or none. */
export async function writeRows(
  folder: string,
  rows: { readonly stations: readonly StationRow[]; readonly areas: readonly AreaRow[] },
  number: number,
): Promise<Flushed> {
  const [stations, areas] = [new NewRows("stations"), new NewRows("areas")];
  for (const row of rows.stations) stations.push(toCells(row, STATION_COLUMNS));
  for (const row of rows.areas) areas.push(toCells(row, AREA_COLUMNS));
  return writeTables(folder, [stations, areas], number);
}

/** The new rows of one table, and which files they go to. */
class NewRows {
  readonly rows: PackedTable;
  /** Of the first row that tells: a tombstone does not. */
  simulated: boolean | null = null;
  readonly #groups = new RowGroups();
  readonly #time: number;
  readonly #epoch: number;
  readonly #event: number;
  readonly #simulated: number;

  constructor(table: PlainTable) {
    this.rows = new PackedTable(table);
    this.#time = placeOf(table, table === "stations" ? "observed_at" : "as_of");
    this.#epoch = placeOf(table, "epoch");
    this.#event = placeOf(table, "event");
    this.#simulated = placeOf(table, "simulated");
  }

  push(cells: readonly Cell[]): void {
    this.#groups.add(cells[0] as string, cells[this.#epoch] as number, cells[this.#time] as number);
    // The table of areas has no events.
    if (this.simulated === null && (this.#event === -1 || cells[this.#event] !== "removed"))
      this.simulated = cells[this.#simulated] as boolean;
    this.rows.push(cells);
  }

  /** The files, and the rows of each in their order. */
  *files(): Generator<readonly [RowGroup, Uint32Array]> {
    const sorted = this.rows.sorted();
    for (const group of this.#groups.groups()) {
      const fromMs = dayStartMs(group.day);
      const isOfGroup = (row: number): boolean => {
        const atMs = this.rows.cell(this.#time, row) as number;
        const isOfDay = atMs >= fromMs && atMs < fromMs + DAY_MS;
        return isOfDay && (group.system === null || this.rows.cell(0, row) === group.system);
      };
      yield [group, sorted.filter(isOfGroup)];
    }
  }
}

async function writeTables(folder: string, tables: readonly NewRows[], number: number): Promise<Flushed> {
  const files: FlushedFile[] = [];
  try {
    for (const table of tables)
      for (const [group, order] of table.files())
        files.push(await writeGroup(folder, { rows: table.rows, group, order, number }));
  } catch (error) {
    // On a full disk every try would leave some.
    for (const { file } of files) await removeInside(folder, file.path).catch(() => {});
    throw error;
  }
  const simulated = tables.find((table) => table.simulated !== null)?.simulated ?? null;
  return { files, ...(simulated === null ? {} : { simulated }) };
}

async function writeGroup(
  folder: string,
  { rows, group, order, number }: { rows: PackedTable; group: RowGroup; order: Uint32Array; number: number },
): Promise<FlushedFile> {
  const { table } = rows;
  const { day, system, epochs } = group;
  const path = dataPath(table, system, day, number);
  const encoder = await ParquetEncoder.open(table, system, QUICK);
  await encoder.append(rows, order);
  const bytes = await encoder.finish();
  await writeBytes(realPath(folder, path), bytes);
  const whose = system === null ? { systems: [...group.systems] as [string, string] } : { system };
  const file = { path, table, ...whose, day, rows: group.rows, bytes: bytes.length, sealed: false };
  return { file, epochs };
}
