/** Rows of the archive for others: as values, or as one Parquet file. */
import { realpath, stat } from "node:fs/promises";
import { makeWhole } from "../files/durable-files.ts";
import type { ArchiveReader } from "../read/archive-reader.ts";
import { jsonRows } from "./json-rows.ts";
import { dayStartMs, nextDay } from "../files/layout.ts";
import { mayHold } from "../files/manifest.ts";
import { otherNames } from "../files/rows.ts";
import { literal } from "./relation.ts";
import { makeViews } from "./query.ts";
import type { Snapshot } from "../read/snapshot.ts";

export interface ExportRange {
  readonly table: "stations" | "areas";
  readonly system: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The rows of one day of a range, in order of time. */
export async function exportRows(
  reader: ArchiveReader,
  range: ExportRange,
  day: string,
  signal?: AbortSignal,
): Promise<{ readonly columns: readonly string[]; readonly rows: readonly (readonly unknown[])[] }> {
  return reader.query(async (snapshot, connection) => {
    await makeViews(connection, await realpath(reader.folder), only(snapshot, range.system, day));
    const fromMs = Math.max(range.fromMs, dayStartMs(day));
    const toMs = Math.min(range.toMs, dayStartMs(nextDay(day)));
    const result = await connection.runAndReadAll(select({ ...range, fromMs, toMs }));
    return { columns: result.columnNames(), rows: jsonRows(result) };
  }, signal);
}

/** Writes the rows of a range into one file, day after day as they lie: a sort of years would not fit. @returns how many */
export async function exportParquet(
  reader: ArchiveReader,
  range: ExportRange,
  path: string,
  signal?: AbortSignal,
): Promise<number> {
  return reader.query(async (snapshot, connection) => {
    await makeViews(connection, await realpath(reader.folder), only(snapshot, range.system));
    let rows = 0;
    await makeWhole(path, async (unfinished) => {
      const result = await connection.run(
        `COPY (${select(range, false)}) TO ${literal(unfinished)} (FORMAT parquet, COMPRESSION zstd)`,
      );
      rows = result.rowsChanged;
      await stat(unfinished);
    });
    return rows;
  }, signal);
}

function select({ table, system, fromMs, toMs }: ExportRange, inOrder = true): string {
  const [time, name] = table === "stations" ? ["observed_at", "station_id"] : ["as_of", "area"];
  // Each column once, by the name that the files have.
  const others = ["day", ...otherNames(table).map(({ as }) => as)].join(", ");
  return `SELECT * EXCLUDE (${others}) FROM ${table} WHERE system = ${literal(system)}
    AND epoch_ms(${time}) >= ${fromMs} AND epoch_ms(${time}) < ${toMs}
    ${inOrder ? `ORDER BY ${time}, ${name}, log_offset` : ""}`;
}

/** A snapshot of one system's files, and of one day: a query need not look at the others. */
function only(snapshot: Snapshot, system: string, day?: string): Snapshot {
  const files = snapshot.manifest.files.filter(
    (file) => mayHold(file, system) && (day === undefined || file.day === day),
  );
  return { ...snapshot, manifest: { ...snapshot.manifest, files } };
}
