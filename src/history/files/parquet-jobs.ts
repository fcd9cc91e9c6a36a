/**
 * What is made of Parquet files: the interface between the archive's writer, which decides and commits, and who makes
 * the files (file-maker.ts), in a process of its own (parquet-process.ts) or in this one.
 */
import type { Source } from "../sql/relation.ts";
import type { AreaRow } from "./rows.ts";
import type { Table } from "./layout.ts";

export type PlainTable = "stations" | "areas";

export interface MergeJob {
  readonly table: PlainTable;
  readonly sources: readonly Source[];
  /** Of files that several systems share: those to take, as DuckDB sorts; all by default. */
  readonly between?: readonly [first: string, last: string];
  /** The result is one system's own: no column says whose. */
  readonly system: string | null;
  readonly path: string;
  readonly sealed: boolean;
}

export interface KeyframeJob {
  readonly table: PlainTable;
  readonly sources: readonly Source[];
  readonly epochs: readonly number[];
  readonly system: string | null;
  readonly path: string;
}

/** A file that is whole and synced, but that no manifest names yet. */
export interface MadeFile {
  readonly bytes: number;
  readonly rows: number;
}

export interface SystemRows {
  readonly system: string;
  readonly rows: number;
}

/** The last totals of an area. */
export type LastTotals = Pick<AreaRow, "system" | "area" | "asOfMs" | "throughPartition" | "throughOffset">;

export interface ParquetFiles {
  /** Writes the rows of several files into one. */
  merge(job: MergeJob): Promise<MadeFile>;
  /** Writes the state of each station, or area, after all rows of the sources. */
  keyframe(job: KeyframeJob): Promise<MadeFile>;
  /** How many rows of which system, in DuckDB's order of systems. */
  systemsIn(table: Table, sources: readonly Source[]): Promise<readonly SystemRows[]>;
  /** The last row of each area in these files: what repeated totals are told by. */
  lastTotals(sources: readonly Source[], epoch: number): Promise<readonly LastTotals[]>;
  /** A process of its own gives up what it is making. */
  close(): Promise<void>;
}

export type OpenParquet = (folder: string) => ParquetFiles;
