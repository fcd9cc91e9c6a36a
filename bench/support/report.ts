/** What every bench shares: repeated runs after a warm-up, medians and spread, and one results file per claim. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** One measured figure over its runs. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly runs: number;
}

export interface Report {
  /** The file's name without `.ts`. */
  readonly name: string;
  /** The claim, as one sentence that the figures confirm or refute. */
  readonly claim: string;
  /** True, false, or null where the figures only inform. */
  readonly holds: boolean | null;
  readonly figures: readonly Figure[];
  /** Versions of peers, sizes, what is excluded. */
  readonly facts?: Readonly<Record<string, string | number>>;
}

/** Milliseconds of processor time that `run` takes, all threads of this process: what neighbours on the machine do not change much. */
export async function cpuMs(run: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export function figure(name: string, unit: string, values: readonly number[]): Figure {
  const sorted = values.toSorted((a, b) => a - b);
  return {
    name,
    unit,
    median: rounded(quantile(sorted, 0.5)),
    min: rounded(sorted[0] ?? NaN),
    max: rounded(sorted.at(-1) ?? NaN),
    runs: sorted.length,
  };
}

/** @param sorted ascending */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** Prints the figures and writes `bench/results/<name>.json`. */
export function report(result: Report): void {
  console.log(`${result.name}: ${result.claim}`);
  for (const { name, unit, median, min, max, runs } of result.figures)
    console.log(`  ${name}: ${median} ${unit} (${min} to ${max}, ${runs} runs)`);
  if (result.holds !== null) console.log(result.holds ? "  holds" : "  DOES NOT HOLD");
  const folder = new URL("../results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  const machine = {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
  };
  const measured = { ...result, velostream: version, machine, measuredAt: new Date().toISOString() };
  writeFileSync(new URL(`${result.name}.json`, folder), `${JSON.stringify(measured, null, 2)}\n`);
}
