/** `velostream simulate`: serves a synthetic, labelled GBFS system until told to stop. */
import { formatDuration } from "../config/option-types.ts";
import { EXIT, UsageError } from "../errors.ts";
import { FAULT_MEANING, type Fault } from "../simulate/faults.ts";
import type { Dialect } from "../simulate/feed-files.ts";
import { DEFAULT_STATIONS, startSimulator } from "../simulate/simulator.ts";
import type { Command, CommandContext } from "./command.ts";
import { timeOf, timezoneOf } from "./history-times.ts";

/** Beside 8080, where `run` serves. */
const DEFAULT_PORT = 8090;

export const simulate: Command = {
  usage: "[options]",
  description:
    "Serves a simulated bike-share system as GBFS: stations around Paris, bikes that commute, faults on demand. Everything it serves says that it is simulated. Its gbfs.json is printed on stdout.",
  examples: [
    { command: "velostream simulate", does: "1,500 stations in Vélib's dialect, changing every minute" },
    {
      command: "velostream simulate --change-period 5s --speed 60",
      does: "a lively one: a day of the city in 24 minutes",
    },
    {
      command: "velostream simulate --city-time 2026-11-20T08:00",
      does: "the rush hour of a Friday, whatever the time",
    },
    {
      command: "velostream simulate --fault missing-stations --fault-after 1m",
      does: "a feed that loses two stations of three after a minute",
    },
  ],
  options: [
    "stations",
    "seed",
    "dialect",
    "change-period",
    "city-time",
    "timezone",
    "speed",
    "fault",
    "fault-after",
    "host",
    "port",
    "for",
  ],
  optionTexts: {
    stations: {
      metavar: "N",
      help: "Number of stations, 1 to 100000; 16107 and 32017 come first. Only as a flag.",
      default: String(DEFAULT_STATIONS),
    },
    timezone: { metavar: "ZONE", help: "Time zone of --city-time.", default: "Europe/Paris" },
    speed: { metavar: "N", help: "How many times faster the city lives than the clock runs.", default: "1" },
    port: {
      metavar: "PORT",
      help: "Port to serve on; 0 picks one. Only as a flag.",
      default: String(DEFAULT_PORT),
    },
    for: { metavar: "DURATION", help: "Serve that long, then exit 0.", default: "until stopped" },
  },
  run,
};

async function run({ settings, origins, terminal, clock, signal }: CommandContext): Promise<number> {
  const fault = settings.fault as Fault | null;
  const faultAfterMs = settings["fault-after"];
  const cityTime = settings["city-time"];
  const simulator = await startSimulator({
    clock,
    // In the environment and the file these two are meant for `run`: which stations, and where to serve the page.
    stations: origins.get("stations") === "--stations" ? stationCount(settings.stations) : DEFAULT_STATIONS,
    port: origins.get("port") === "--port" ? settings.port : DEFAULT_PORT,
    seed: settings.seed,
    dialect: settings.dialect as Dialect,
    changePeriodMs: settings["change-period"],
    speed: settings.speed,
    ...(cityTime !== null && { cityStartsAtMs: timeOf(cityTime, "--city-time", timezoneOf(settings)) }),
    fault: faultAfterMs === 0 ? fault : null,
    host: settings.host,
  });
  try {
    const { model, url } = simulator;
    await terminal.out(`${url}\n`);
    terminal.err(
      `SIMULATED: ${model.stations.length} stations, ${model.docked} bikes. Ctrl-C stops it.\n` +
        (fault === null ? "" : `Fault${after(faultAfterMs)}: station_status ${FAULT_MEANING[fault]}.\n`) +
        `In another terminal: npx velostream run --feed ${url}\n`,
    );
    if (fault !== null && faultAfterMs > 0)
      void clock.sleep(faultAfterMs, signal).then(() => simulator.setFault(fault));
    await stopped(signal, settings.for === null ? null : clock.sleep(settings.for, signal));
  } finally {
    await simulator.stop();
  }
  return EXIT.done;
}

function after(durationMs: number): string {
  return durationMs === 0 ? "" : ` after ${formatDuration(durationMs)}`;
}

function stationCount(list: readonly string[]): number {
  const [text = ""] = list;
  if (list.length === 1 && /^\d{1,9}$/.test(text)) return Number(text);
  throw new UsageError(
    `--stations: ${JSON.stringify(list.join(","))} is not a number of stations. Write one, like --stations 1500.`,
  );
}

async function stopped(signal: AbortSignal, orElse: Promise<void> | null): Promise<void> {
  const aborted = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await (orElse === null ? aborted : Promise.race([aborted, orElse]));
}
