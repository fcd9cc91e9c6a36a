/**
 * What a very large system takes: `velostream run` on a simulated system of 100,000 stations, both started as people
 * do, in processes of their own; the resident set of `run` once a second from its first complete totals on.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { cpuMsOf, residentBytesOf } from "./support/process-use.ts";
import { figure, report } from "./support/report.ts";

const STATIONS = 100_000;
const CHANGE_PERIOD = "10s";
const SECONDS = 60;
const LIMIT_MB = 500;
/** A loaded machine takes half a minute to the first totals. */
const PATIENCE_MS = 180_000;

/** The totals that `run` printed. */
class Totals {
  records = 0;
  /** Summed over the areas. */
  stations = 0;
  readonly #stationsByArea = new Map<string, number>();
  readonly #complete = Promise.withResolvers<void>();

  get areas(): number {
    return this.#stationsByArea.size;
  }

  /** Resolves when every station is in the totals of an area. */
  get complete(): Promise<void> {
    return this.#complete.promise;
  }

  take(line: string): void {
    const { postcode, stations } = JSON.parse(line) as { postcode: string; stations: number };
    this.records += 1;
    this.stations += stations - (this.#stationsByArea.get(postcode) ?? 0);
    this.#stationsByArea.set(postcode, stations);
    if (this.stations === STATIONS) this.#complete.resolve();
  }
}

const main = new URL("../bin/velostream.js", import.meta.url).pathname;
const started: ChildProcess[] = [];
process.on("exit", () => started.forEach((child) => child.kill("SIGKILL")));

const simulator = start(
  `simulate --stations ${STATIONS} --city-time 2026-11-20T08:30 --change-period ${CHANGE_PERIOD} --port 0`,
);
const [url] = (await once(createInterface({ input: streamOf(simulator) }), "line")) as [string];
const startedMs = performance.now();
const run = start(`run --feed ${url} --interval ${CHANGE_PERIOD} --no-serve --no-archive --json`);
const totals = new Totals();
createInterface({ input: streamOf(run) }).on("line", (line) => totals.take(line));
const timeout = setTimeout(() => {
  throw new Error(`no complete totals after ${PATIENCE_MS} ms: ${totals.stations} stations so far`);
}, PATIENCE_MS);
await totals.complete;
clearTimeout(timeout);
const firstTotalsSeconds = (performance.now() - startedMs) / 1000;

const residentMb: number[] = [];
const cpuBefore = cpuMsOf(run.pid);
const recordsBefore = totals.records;
for (let second = 0; second < SECONDS; second += 1) {
  await new Promise((resolve) => setTimeout(resolve, 1000));
  residentMb.push(residentBytesOf(run.pid) / 1e6);
}
const cpuShare = (cpuMsOf(run.pid) - cpuBefore) / (SECONDS * 1_000);
for (const child of [run, simulator]) {
  child.kill("SIGTERM");
  await once(child, "exit");
}

report({
  name: "hundred-thousand-stations",
  claim: `a system of 100,000 stations that changes every ${CHANGE_PERIOD} runs with resident memory under ${LIMIT_MB} MB`,
  holds: Math.max(...residentMb) < LIMIT_MB && totals.stations === STATIONS,
  figures: [
    figure("resident memory of run, once a second", "MB", residentMb),
    figure("from the start to the first complete totals", "s", [firstTotalsSeconds]),
    figure("processor time of run, of one core", "share", [cpuShare]),
  ],
  facts: {
    stations: STATIONS,
    seconds: SECONDS,
    areas: totals.areas,
    totalsRecords: totals.records - recordsBefore,
  },
});
process.exit(0);

function start(args: string): ChildProcess {
  const child = spawn(process.execPath, [main, ...args.split(" ")], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  started.push(child);
  return child;
}

function streamOf({ stdout }: ChildProcess): NodeJS.ReadableStream {
  if (stdout === null) throw new Error("no stdout");
  return stdout;
}
