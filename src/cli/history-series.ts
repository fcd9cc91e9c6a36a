/** `history area` and `history station`: a series of steps as a table, CSV, NDJSON or one JSON object. */
import Table from "cli-table3";
import type { Settings } from "../config/options.ts";
import { UsageError } from "../errors.ts";
import { areasNamed } from "../record/keys.ts";
import { calendarEdges, formatTime, wallClockMs } from "../history/time/local-time.ts";
import { ArchiveQueries } from "../history/read/queries.ts";
import { findStation } from "../history/read/find-station.ts";
import type { HistorySeries } from "../ports.ts";
import type { Command, CommandContext } from "./command.ts";
import { askedFormat } from "./history-format.ts";
import { askedRange, timeOf, timezoneOf } from "./history-times.ts";
import { FROM_TIME } from "./option-texts.ts";
import { openReader } from "./open-reader.ts";

const DAY_MS = 86_400_000;
/** A series longer than this is no answer but an export. */
const MOST_STEPS = 100_000;
const OPTIONS = [
  "data-dir",
  "at",
  "system",
  "since",
  "from",
  "to",
  "every",
  "aggregate",
  "timezone",
  "format",
  "json",
] as const;

export const historyArea: Command = {
  usage: "AREA [options]",
  description:
    "How many bikes an area had: at one instant, or in steps, the mean over time of each step, or its least, greatest or last. Where nobody watched the answer is empty, and the gaps are named.",
  examples: [
    { command: "velostream history area 75016 --at 2026-11-20T08:30", does: "At half past eight." },
    { command: "velostream history area 75016 --since 24h --every 5m", does: "The last day." },
    {
      command: "velostream history area 75016 --from 2026-11-01 --to 2026-12-01 --every 1d --format csv",
      does: "November, a line a day, days as in Paris.",
    },
  ],
  options: OPTIONS,
  optionTexts: { from: FROM_TIME },
  positionals: [1, 1],
  run: async (context) => answer(context, "area"),
};

export const historyStation: Command = {
  usage: "STATION [options]",
  description:
    "How many bikes a station had: at one instant, or in steps. The station by the code painted on it, or its id.",
  examples: [
    { command: "velostream history station 16107 --at 2026-11-20T08:30", does: "At half past eight." },
    { command: "velostream history station 16107 --since 24h --every 5m", does: "The last day." },
  ],
  options: OPTIONS,
  optionTexts: { from: FROM_TIME },
  positionals: [1, 1],
  run: async (context) => answer(context, "station"),
};

async function answer(context: CommandContext, what: "area" | "station"): Promise<number> {
  const { settings, clock, signal, positionals } = context;
  const [name = ""] = positionals;
  const timezone = timezoneOf(settings);
  const format = askedFormat(context, "json", context.terminal.interactive ? "table" : "csv");
  if (format === "parquet")
    throw new UsageError(`--format: a series is a table, csv, ndjson or json, not ${format}.`);
  const at = settings.at !== null ? timeOf(settings.at, "--at", timezone) : null;
  const others = (["from", "to", "since", "every"] as const).filter((name) => settings[name] !== null);
  if (at !== null && others.length > 0)
    throw new UsageError(`--at asks for one instant. Leave out --${others.join(", --")}, or --at.`);
  if (at !== null && at > clock.now())
    throw new UsageError(`--at: ${formatTime(at, timezone)} is still to come. Write a time that has been.`);
  const edges = at === null ? stepEdges(settings, clock.now(), timezone) : [at, at + 1];
  const aggregate = at === null ? (settings.aggregate as "mean") : "last";
  const reader = await openReader(settings);
  try {
    const queries = new ArchiveQueries(reader, clock);
    let series: HistorySeries | null;
    const asked = { systemId: settings.system, area: name };
    if (what === "area") {
      series = await queries.areaSeries({ ...asked, edges, aggregate }, signal);
      // A key, as the API gives it; a name with a colon in it was found above.
      if (series === null && name.includes(":"))
        for (const named of areasNamed(name))
          series ??= await queries.areaSeries({ ...named, edges, aggregate }, signal);
    } else {
      const station = await findStation(reader, settings.system, name, signal);
      series =
        station === null
          ? null
          : await queries.stationSeries(
              { systemId: settings.system, stationId: station, edges, aggregate },
              signal,
            );
    }
    if (series === null) {
      const missing =
        what === "area" && name.includes(":") ? (areasNamed(name).next().value ?? asked) : asked;
      throw new UsageError(
        `The archive knows no ${what} ${JSON.stringify(missing.area)} of system ${missing.systemId}. See \`velostream history sql "SELECT DISTINCT ${what === "area" ? "system, area FROM areas" : "system, station_code, name FROM stations"}"\`.`,
      );
    }
    await show(context, series, { format, timezone, isInstant: at !== null });
    return 0;
  } finally {
    reader.close();
  }
}

function stepEdges(settings: Settings, nowMs: number, timezone: string): readonly number[] {
  const { fromMs, toMs } = askedRange(settings, nowMs, DAY_MS);
  const everyMs = settings.every ?? niceStep(toMs - fromMs);
  if (everyMs < 1_000) throw new UsageError("--every: a step is a second at least.");
  const steps = (toMs - fromMs) / everyMs;
  if (steps > MOST_STEPS)
    throw new UsageError(
      `That is ${Math.ceil(steps)} steps, at most ${MOST_STEPS} are given. Write a greater --every, or use "velostream history export".`,
    );
  // Asked for "since", a step begins where people begin one: at the full five minutes, at midnight.
  const startMs = settings.from === null ? roundedDown(fromMs, everyMs, timezone) : fromMs;
  return calendarEdges(startMs, toMs, everyMs, timezone);
}

function roundedDown(epochMs: number, stepMs: number, timezone: string): number {
  if (DAY_MS % stepMs !== 0) return epochMs;
  const intoStepMs = wallClockMs(epochMs, timezone) % stepMs;
  return epochMs - intoStepMs;
}

/** A few dozen lines: what a person reads. */
function niceStep(rangeMs: number): number {
  const steps = [60_000, 300_000, 900_000, 3_600_000, 21_600_000, DAY_MS, 7 * DAY_MS];
  return steps.find((step) => rangeMs / step <= 100) ?? 7 * DAY_MS;
}

async function show(
  context: CommandContext,
  series: HistorySeries,
  { format, timezone, isInstant }: { format: string; timezone: string; isInstant: boolean },
): Promise<void> {
  const { terminal } = context;
  if (series.simulated === true) terminal.err("SIMULATED: this is not real data.\n");
  for (const { fromMs, toMs, reason } of series.gaps) {
    const from = formatTime(fromMs, timezone);
    terminal.err(
      isInstant
        ? `gap: nobody watched at ${from} (${reason})\n`
        : `gap: ${from} to ${formatTime(toMs, timezone)} (${reason})\n`,
    );
  }
  const lines = series.atMs.map((atMs, at) => ({
    at: formatTime(atMs, timezone),
    nbr_total: rounded(series.total[at]),
    nbr_elec: rounded(series.electric[at]),
    nbr_meca: rounded(series.mechanical[at]),
    docks: rounded(series.docks[at]),
  }));
  if (format === "json") {
    const gaps = series.gaps.map(({ fromMs, toMs, reason }) => ({
      from: formatTime(fromMs, timezone),
      to: formatTime(toMs, timezone),
      reason,
    }));
    await terminal.json(`${JSON.stringify({ timezone, steps: lines, gaps }, null, 2)}\n`);
  } else if (format === "ndjson") {
    await terminal.json(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  } else if (format === "csv") {
    const head = "at,nbr_total,nbr_elec,nbr_meca,docks\n";
    await terminal.out(head + lines.map((line) => `${Object.values(line).join(",")}\n`).join(""));
  } else {
    const table = new Table({
      head: ["at", "bikes", "electric", "mechanical", "docks"],
      colAligns: ["left", "right", "right", "right", "right"],
      style: { head: [], border: [], compact: true },
    });
    for (const line of lines) table.push(Object.values(line).map((value) => (value === null ? "" : value)));
    await terminal.out(`${table.toString()}\n`);
  }
}

/** Means have decimals that mean nothing: two are kept. */
function rounded(value: number | null | undefined): number | null {
  return value === null || value === undefined ? null : Math.round(value * 100) / 100;
}
