/** `velostream demo`: the pipeline on a simulated city in the same process; no network, no broker, nothing kept. */
import { parisTime } from "../simulate/rhythm.ts";
import { startSimulator } from "../simulate/simulator.ts";
import type { Command, CommandContext } from "./command.ts";
import { SERVE_OPTIONS } from "./option-lists.ts";
import { run } from "./run.ts";

/** A day of the city in 24 minutes, and something new to see every 5 s. */
const CITY_SPEED = 60;
const CHANGE_PERIOD_MS = 5_000;
const HALF_HOUR_MS = 1_800_000;

export const demo: Command = {
  usage: "[options]",
  description:
    "Runs everything on a simulated city: 1,500 stations around Paris from half past seven on a weekday morning, a day in 24 minutes. It needs no network and no broker, and keeps nothing. Everything it shows is labelled simulated.",
  examples: [
    { command: "npm run demo", does: "Table here, map in the browser." },
    {
      command: "velostream demo --stations 16107,32017 --json",
      does: "Two stations; their areas' totals as NDJSON on stdout.",
    },
  ],
  options: ["stations", "seed", "serve", ...SERVE_OPTIONS, "json", "for"],
  run: runDemo,
};

async function runDemo(context: CommandContext): Promise<number> {
  const { settings, clock, terminal } = context;
  const simulator = await startSimulator({
    clock,
    seed: settings.seed,
    changePeriodMs: CHANGE_PERIOD_MS,
    speed: CITY_SPEED,
    cityStartsAtMs: nextMorning(clock.now()),
  });
  try {
    const { model, url } = simulator;
    terminal.err(
      `SIMULATED: a city of ${model.stations.length} stations and ${model.docked} bikes at ${url}, no real data.\n`,
    );
    return await run.run({
      ...context,
      settings: {
        ...settings,
        feed: [url],
        feeds: null,
        interval: CHANGE_PERIOD_MS,
        // Whatever the environment says: nothing simulated gets into real topics or into a history.
        brokers: null,
        archive: false,
      },
    });
  } finally {
    await simulator.stop();
  }
}

/** The next weekday's 7:30 in Paris: the demo opens with the morning rush, whatever the time. */
export function nextMorning(nowMs: number): number {
  let atMs = Math.ceil(nowMs / HALF_HOUR_MS) * HALF_HOUR_MS;
  for (;;) {
    const { day, hour } = parisTime(atMs);
    if (hour === 7.5 && day >= 1 && day <= 5) return atMs;
    atMs += HALF_HOUR_MS;
  }
}
