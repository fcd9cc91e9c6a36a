/** `history export`: the rows of the archive, a day at a time, to a file or stdout. */
import { open, stat } from "node:fs/promises";
import { UsageError } from "../errors.ts";
import { dayOf, dayStartMs, nextDay } from "../history/layout.ts";
import { exportParquet, exportRows } from "../history/export.ts";
import type { Command, CommandContext } from "./command.ts";
import { askedRange } from "./history-times.ts";
import { openReader } from "./open-archive.ts";

const ALL_MS = Date.UTC(2200, 0, 1);

export const historyExport: Command = {
  usage: "[options]",
  description:
    "Writes what was recorded, a row a change: as CSV or NDJSON on stdout or into --output, or as a Parquet file. Times are UTC. Without a range, everything.",
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
  options: ["data-dir", "system", "table", "since", "from", "to", "timezone", "format", "output"],
  positionals: [0, 0],
  run,
};

async function run(context: CommandContext): Promise<number> {
  const { settings, clock, terminal, signal } = context;
  const { system, output } = settings;
  const table = settings.table as "stations" | "areas";
  const format = settings.format ?? "csv";
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
          "--format parquet needs --output FILE: it is no format for a terminal or a pipe.",
        );
      const rows = await exportParquet(reader, { table, system, fromMs, toMs }, output, signal);
      terminal.err(`${rows} rows in ${output}.\n`);
      return 0;
    }
    if (format !== "csv" && format !== "ndjson")
      throw new UsageError(`--format: an export is csv, ndjson or parquet, not ${format}.`);
    const file = output === null ? null : await open(output, "wx");
    const write = async (text: string): Promise<void> =>
      file === null ? terminal.out(text) : file.appendFile(text);
    let head = true;
    for (const day of await daysOf(reader, table, system)) {
      if (signal.aborted) break;
      if (dayStartMs(nextDay(day)) <= fromMs || dayStartMs(day) >= toMs) continue;
      const { columns, rows } = await exportRows(reader, { table, system, fromMs, toMs }, day, signal);
      if (format === "csv") {
        if (head) await write(csvLine(columns));
        await write(rows.map(csvLine).join(""));
      } else
        await write(
          rows
            .map(
              (row) =>
                `${JSON.stringify(Object.fromEntries(columns.map((name, at) => [name, row[at] ?? null])))}\n`,
            )
            .join(""),
        );
      head = false;
    }
    await file?.close();
    return 0;
  } finally {
    reader.close();
  }
}

async function daysOf(
  reader: Awaited<ReturnType<typeof openReader>>,
  table: "stations" | "areas",
  system: string,
): Promise<readonly string[]> {
  const { manifest, fresh } = await reader.snapshot();
  const days = new Set(
    manifest.files.filter((file) => file.table === table && file.system === system).map(({ day }) => day),
  );
  const times =
    table === "stations"
      ? fresh.stations.filter((row) => row.system === system).map((row) => row.observedAtMs)
      : fresh.areas.filter((row) => row.system === system).map((row) => row.asOfMs);
  for (const time of times) days.add(dayOf(time));
  return [...days].sort();
}

/** One line of CSV, RFC 4180; nothing for null. */
export function csvLine(values: readonly unknown[]): string {
  const cells = values.map((value) => {
    const text = cellText(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(",")}\n`;
}

/** A value of DuckDB's as text; nothing for null. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
