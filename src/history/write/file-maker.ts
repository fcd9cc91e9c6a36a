/**
 * Who makes a file: one system's are merged and its state is taken without DuckDB, in memory that does not grow with the
 * day; what many systems share, and questions to files, are DuckDB's, which is loaded for the first of them.
 */
import { keyframeFile } from "../files/keyframe-file.ts";
import type { Table } from "../files/layout.ts";
import { mergeFiles } from "../files/merge-files.ts";
import { QUICK, SEALED } from "../files/parquet-encoder.ts";
import type {
  KeyframeJob,
  LastTotals,
  MadeFile,
  MergeJob,
  ParquetFiles,
  SystemRows,
} from "../files/parquet-jobs.ts";
import type { Source } from "../sql/relation.ts";
import { withDuckDB } from "../sql/with-duckdb.ts";

export class FileMaker implements ParquetFiles {
  readonly #folder: string;
  #duckdb: Promise<ParquetFiles> | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async merge(job: MergeJob): Promise<MadeFile> {
    if (job.system === null) return (await this.#load()).merge(job);
    return mergeFiles(this.#folder, job, job.sealed ? SEALED[job.table] : QUICK);
  }

  async keyframe(job: KeyframeJob): Promise<MadeFile> {
    return job.system === null ? (await this.#load()).keyframe(job) : keyframeFile(this.#folder, job);
  }

  async systemsIn(table: Table, sources: readonly Source[]): Promise<readonly SystemRows[]> {
    return (await this.#load()).systemsIn(table, sources);
  }

  async lastTotals(sources: readonly Source[], epoch: number): Promise<readonly LastTotals[]> {
    return sources.length === 0 ? [] : (await this.#load()).lastTotals(sources, epoch);
  }

  async close(): Promise<void> {
    await (await this.#duckdb)?.close();
  }

  async #load(): Promise<ParquetFiles> {
    this.#duckdb ??= withDuckDB(async () => import("../sql/duckdb-files.ts")).then(
      ({ DuckDBFiles }) => new DuckDBFiles(this.#folder),
    );
    return this.#duckdb;
  }
}
