/** `history export`: the rows of the archive, a day at a time, to a file or stdout. */
import { open, stat } from "node:fs/promises";
import { AppError, ConfigError, EXIT, UsageError } from "../errors.ts";
import type { ArchiveReader } from "../history/read/archive-reader.ts";
import { makeWhole } from "../history/files/durable-files.ts";
import { exportParquet, exportRows, type ExportRange } from "../history/sql/export.ts";
import { DAY_MS, dayOf, dayStartMs } from "../history/files/layout.ts";
import { mayHold } from "../history/files/manifest.ts";
import type { Command, CommandContext } from "./command.ts";
import { csvLines } from "./csv-text.ts";
import { askedFormat } from "./history-format.ts";
import { askedRange } from "./history-times.ts";
import { FROM_TIME } from "./option-texts.ts";
import { openReader } from "./open-reader.ts";

const ALL_MS = Date.UTC(2200, 0, 1);
const HOUR_MS = 3_600_000;
/** Rows of a day that are text in memory at once: some 100 MB. */
const MOST_ROWS = 500_000;

export const historyExport: Command = {
  usage: "[options]",
  description:
    "Writes what was recorded, a row a change: as CSV or NDJSON on stdout or into --output, or as a Parquet file. Times are UTC. Without a range, everything. In CSV a text that a spreadsheet would calculate has an apostrophe before it, unless --raw is given.",
  examples: [
    {
      command: "velostream history export --from 2026-11-20 --to 2026-11-21 --format csv",
      does: "Every station's changes of a day.",
    },
    {
      command: "velostream history export --table areas --format parquet --output areas.parquet",
      does: "All totals ever, for pandas, R or DuckDB.",
    },
  ],
  options: [
    "data-dir",
    "system",
    "table",
    "since",
    "from",
    "to",
    "timezone",
    "format",
    "json",
    "raw",
    "output",
  ],
  optionTexts: { from: FROM_TIME },
  positionals: [0, 0],
  run,
};

async function run(context: CommandContext): Promise<number> {
  const { settings, clock, terminal, signal } = context;
  const { system, output } = settings;
  const table = settings.table as "stations" | "areas";
  const format = askedFormat(context, "ndjson", "csv");
  const { fromMs, toMs } =
    settings.from === null && settings.since === null && settings.to === null
      ? { fromMs: 0, toMs: ALL_MS }
      : askedRange(settings, clock.now(), clock.now());
  if (output !== null && (await stat(output).catch(() => null)) !== null)
    throw new UsageError(`--output: ${output} is there already. Remove it, or name another file.`);
  const reader = await openReader(settings);
  try {
    if (format === "parquet") {
      if (output === null)
        throw new UsageError(
          "--format parquet needs --output FILE: Parquet is not for a terminal or a pipe.",
        );
      const rows = await exportParquet(reader, { table, system, fromMs, toMs }, output, signal);
      terminal.err(`${rows} rows in ${output}.\n`);
      return 0;
    }
    if (format !== "csv" && format !== "ndjson")
      throw new UsageError(`--format: an export is csv, ndjson or parquet, not ${format}.`);
    const range = { table, system, fromMs, toMs };
    const lines = linesOf(format, settings.raw);
    if (output === null) {
      const write = async (text: string): Promise<void> =>
        format === "csv" ? terminal.raw(text) : terminal.json(text);
      const rows = await writeText(reader, range, lines, write, signal);
      if (rows === 0 && !signal.aborted) terminal.err("No rows: the history has none in that range.\n");
      return 0;
    }
    let rows = 0;
    await makeWhole(output, async (unfinished) => {
      const file = await open(unfinished, "w");
      try {
        rows = await writeText(reader, range, lines, async (text) => file.appendFile(text), signal);
      } finally {
        await file.close();
      }
      signal.throwIfAborted();
    });
    terminal.err(`${rows} rows in ${output}.\n`);
    return 0;
  } catch (error) {
    if (!signal.aborted) throw output === null ? error : (unwritable(output, error) ?? error);
    terminal.err("Stopped before the end.\n");
    return EXIT.interrupted;
  } finally {
    reader.close();
  }
}

/** What the system says of a file that cannot be made: a denied or missing place, a full or read-only disk. */
const UNWRITABLE =
  /^(ERR_ACCESS_DENIED|EACCES|EPERM|EROFS|ENOTDIR|EISDIR|ENOENT|EEXIST|ENAMETOOLONG|ELOOP|EINVAL|ENOSPC|EDQUOT)$/;

/** The output cannot be written: a setting to change, no bug. DuckDB says so in words only. */
function unwritable(output: string, error: unknown): ConfigError | null {
  if (error instanceof AppError) return null;
  const { code, message } = error as NodeJS.ErrnoException;
  const said = /permission denied|read-only file system|no space left|cannot open file/i.exec(message)?.[0];
  const why = code !== undefined && UNWRITABLE.test(code) ? code : said;
  if (why === undefined) return null;
  return new ConfigError(
    `--output: ${output} cannot be written (${why}). Name a file in a folder that may be written, or leave --output out for stdout.`,
    { cause: error },
  );
}

/** How columns and rows become lines of text. */
interface Lines {
  readonly head: (columns: readonly string[]) => string;
  readonly line: (columns: readonly string[], row: readonly unknown[]) => string;
}

function linesOf(format: "csv" | "ndjson", raw: boolean): Lines {
  if (format === "csv") {
    const csv = csvLines({ raw });
    return { head: csv, line: (_columns, row) => csv(row) };
  }
  return {
    head: () => "",
    line: (columns, row) =>
      `${JSON.stringify(Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null])))}\n`,
  };
}

/** @returns how many rows were written */
async function writeText(
  reader: ArchiveReader,
  range: ExportRange,
  { head, line }: Lines,
  write: (text: string) => Promise<void>,
  signal: AbortSignal,
): Promise<number> {
  let written = 0;
  let isFirst = true;
  for (const day of await daysOf(reader, range.table, range.system)) {
    const startMs = dayStartMs(day);
    if (startMs + DAY_MS <= range.fromMs || startMs >= range.toMs) continue;
    // A large system's day is more than fits.
    const stepMs = (await rowsOn(reader, range, day)) > MOST_ROWS ? HOUR_MS : DAY_MS;
    for (let fromMs = startMs; fromMs < startMs + DAY_MS; fromMs += stepMs) {
      signal.throwIfAborted();
      const part = {
        ...range,
        fromMs: Math.max(range.fromMs, fromMs),
        toMs: Math.min(range.toMs, fromMs + stepMs),
      };
      if (part.fromMs >= part.toMs) continue;
      const { columns, rows } = await exportRows(reader, part, day, signal);
      if (isFirst) await write(head(columns));
      isFirst = false;
      written += rows.length;
      await write(rows.map((row) => line(columns, row)).join(""));
    }
  }
  return written;
}

async function rowsOn(reader: ArchiveReader, { table, system }: ExportRange, day: string): Promise<number> {
  const { manifest } = await reader.snapshot();
  return manifest.files
    .filter((file) => file.table === table && file.day === day && mayHold(file, system))
    .reduce((sum, { rows }) => sum + rows, 0);
}

async function daysOf(
  reader: ArchiveReader,
  table: "stations" | "areas",
  system: string,
): Promise<readonly string[]> {
  const { manifest, fresh } = await reader.snapshot();
  const days = new Set(
    manifest.files.filter((file) => file.table === table && mayHold(file, system)).map(({ day }) => day),
  );
  const times =
    table === "stations"
      ? fresh.stations.where({ system }).map((row) => row.observedAtMs)
      : fresh.areas.where({ system }).map((row) => row.asOfMs);
  for (const time of times) days.add(dayOf(time));
  return [...days].sort();
}
