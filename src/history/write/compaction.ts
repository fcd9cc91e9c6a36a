/**
 * Few files instead of many.
 *
 *   open day:  12 small files ─▶ one                    a day that is over: ─▶ one sealed file, sorted whole
 *   shared by many systems: ─▶ sealed files of a million rows, each of some systems
 */
import type { Metrics } from "../../ports.ts";
import type { ArchiveFolder } from "./archive-folder.ts";
import { dataPath } from "../files/layout.ts";
import { toMerge, type Lot } from "./mergeable-days.ts";
import type { DataFile } from "../files/manifest.ts";
import { mergeFiles } from "../files/merge-files.ts";
import { QUICK } from "../files/parquet-encoder.ts";
import type { SystemRows } from "../files/parquet-jobs.ts";

/** Of a sealed file that systems share: what is sorted at a time, and how long stopping may take. */
const SEALED_ROWS = 1_000_000;
/** Rows that come after their day was sealed stay beside it until they are a quarter of it. */
const LATE_SHARE = 0.25;
/** Files of an hour are merged in this process, longer ones and whole days in one of their own. */
const SMALL_ROWS = 360_000;

export interface CompactionOptions {
  readonly folder: ArchiveFolder;
  readonly metrics: Metrics;
  /** Of a file that systems share. @default 1000000 */
  readonly sealedRows?: number;
  /** Between two files: stop, and leave the rest for another time. */
  readonly isStopped: () => boolean;
}

/** A merge to be done: into one file, or one of several. */
interface Part {
  readonly system: string | null;
  readonly systems: readonly SystemRows[];
  readonly rows: number;
}

export class Compaction {
  readonly #options: CompactionOptions;

  constructor(options: CompactionOptions) {
    this.#options = options;
  }

  /** Merges what is worth it; seals a day that is over. */
  async compact(lot: Lot, isOver: boolean): Promise<void> {
    if (isOver && isToBeSealed(lot)) return this.#seal(lot);
    // A shared day's own files are merged with the shared ones.
    const sources = isOver && lot.system !== null ? null : toMerge(lot.files);
    if (sources === null) return;
    const rows = rowsIn(sources);
    const systems = lot.system === null ? rangeOf(sources) : null;
    await this.#replace(lot, sources, [{ rows, system: lot.system, systems: [] }], false, systems);
  }

  async #seal(lot: Lot): Promise<void> {
    const { folder, sealedRows = SEALED_ROWS } = this.#options;
    const { table, system, files } = lot;
    if (system !== null)
      return this.#replace(lot, files, [{ system, systems: [], rows: rowsIn(files) }], true);
    const parts: Part[] = [];
    for (const one of await folder.parquet.systemsIn(table, files)) {
      const last = parts.at(-1);
      if (last === undefined || last.rows + one.rows > sealedRows)
        parts.push({ system: null, systems: [one], rows: one.rows });
      else parts[parts.length - 1] = { ...last, systems: [...last.systems, one], rows: last.rows + one.rows };
    }
    await this.#replace(lot, files, parts, true);
  }

  /** Makes the parts of `sources`, and puts them in their place when all of them are whole. */
  async #replace(
    { table, day }: Lot,
    sources: readonly DataFile[],
    parts: readonly Part[],
    sealed: boolean,
    range: readonly [string, string] | null = null,
  ): Promise<void> {
    const { folder, metrics, isStopped } = this.#options;
    const made: DataFile[] = [];
    try {
      for (const { system, systems, rows } of parts) {
        if (made.length > 0 && isStopped()) return await folder.discard(made.map(({ path }) => path));
        const path = dataPath(table, system, day, folder.takeFileNumber());
        const between =
          parts.length > 1 ? ([systems[0]?.system ?? "", systems.at(-1)?.system ?? ""] as const) : undefined;
        const job = { table, sources, system, path };
        const file =
          sealed || rows > SMALL_ROWS
            ? await folder.parquet.merge({
                ...job,
                sources: sources.map((source) => ({ path: source.path, system: source.system })),
                ...(between === undefined ? {} : { between }),
                sealed,
              })
            : await mergeFiles(folder.path, job, QUICK);
        const [first, last] = range ?? namesOf(systems);
        const whose = system === null ? { systems: [first, last] as [string, string] } : { system };
        made.push({ path, table, ...whose, day, rows: file.rows, bytes: file.bytes, sealed });
        if (file.rows !== rows) throw new Error(`${path} has ${file.rows} rows instead of ${rows}`);
      }
      if (rowsIn(made) !== rowsIn(sources))
        throw new Error(`${rowsIn(made)} rows would take the place of ${rowsIn(sources)}`);
      const gone = new Set(sources.map(({ path }) => path));
      await folder.commit(({ files }) => ({
        files: [...files.filter(({ path }) => !gone.has(path)), ...made],
      }));
    } catch (error) {
      await folder.discard(made.map(({ path }) => path));
      throw error;
    }
    metrics.count("velostream_archive_compactions_total", {});
  }
}

function isToBeSealed({ system, files }: Lot): boolean {
  if (system !== null) return files.length > 1 || files[0]?.sealed !== true;
  const late = rowsIn(files.filter(({ sealed }) => !sealed));
  return late > LATE_SHARE * rowsIn(files);
}

function rowsIn(files: readonly DataFile[]): number {
  return files.reduce((sum, { rows }) => sum + rows, 0);
}

/** The first and the last of some systems, as JavaScript sorts. */
function namesOf(systems: readonly SystemRows[]): readonly [string, string] {
  const names = systems.map(({ system }) => system).sort();
  return [names[0] ?? "", names.at(-1) ?? ""];
}

/** What files that are merged may hold. */
function rangeOf(files: readonly DataFile[]): readonly [string, string] {
  const names = files.flatMap(({ system, systems }) => systems ?? [system ?? ""]).sort();
  return [names[0] ?? "", names.at(-1) ?? ""];
}
