/** `history sql`: one read-only query on the archive's views. */
import Table from "cli-table3";
import { UsageError } from "../errors.ts";
import { runSql } from "../history/sql/query.ts";
import { plainText } from "../telemetry/plain-text.ts";
import type { Command, CommandContext } from "./command.ts";
import { cellText, csvLines } from "./csv-text.ts";
import { askedFormat } from "./history-format.ts";
import { openReader } from "./open-reader.ts";

export const historySql: Command = {
  usage: "QUERY [options]",
  description:
    "Runs one query of DuckDB's SQL on the history: the views stations, areas, coverage and gaps (docs/history.md). It can read the archive and nothing else. Times in it are UTC. In CSV a text that a spreadsheet would calculate has an apostrophe before it, unless --raw is given.",
  examples: [
    {
      command: 'velostream history sql "SELECT area, max(total) FROM areas GROUP BY area"',
      does: "The most bikes every area ever had.",
    },
    {
      command: 'velostream history sql "SELECT day, count(*) FROM stations GROUP BY day" --format csv',
      does: "How much changed, by day.",
    },
  ],
  options: ["data-dir", "format", "json", "raw"],
  positionals: [1, 1],
  run,
};

async function run(context: CommandContext): Promise<number> {
  const { settings, positionals, terminal, signal } = context;
  const [sql = ""] = positionals;
  const format = askedFormat(context, "json", terminal.interactive ? "table" : "csv");
  if (format === "parquet")
    throw new UsageError('--format: parquet is what "velostream history export" writes.');
  const reader = await openReader(settings);
  try {
    const { columns, rows } = await runSql(reader, sql, signal);
    const objects = (): Record<string, unknown>[] =>
      rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at] ?? null])));
    if (format === "json") await terminal.json(`${JSON.stringify(objects(), null, 2)}\n`);
    else if (format === "ndjson")
      await terminal.json(
        objects()
          .map((row) => `${JSON.stringify(row)}\n`)
          .join(""),
      );
    else if (format === "csv") await terminal.raw([columns, ...rows].map(csvLines(settings)).join(""));
    else {
      const table = new Table({
        head: columns.map(plainText),
        style: { head: [], border: [], compact: true },
      });
      for (const row of rows) table.push(row.map((value) => plainText(cellText(value))));
      await terminal.out(`${table.toString()}\n`);
    }
    return 0;
  } finally {
    reader.close();
  }
}
