/**
 * Fuzzes what strangers can touch: `npm run fuzz` for two hours, `npm run fuzz -- 10 kafka api` for ten minutes on two
 * targets, `npm run fuzz -- 10 kafka --seed 7`. Each target has a thread of its own, one after the other, watched from here.
 *
 *   thread: seed ─▶ attack ─▶ next seed       fails: an attack throws · the event loop stands for a second · memory grows
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { parseArgs } from "node:util";
import { apiTarget } from "../test/support/fuzz/api-target.ts";
import { archiveTarget } from "../test/support/fuzz/archive-target.ts";
import { cliTarget } from "../test/support/fuzz/cli-target.ts";
import { feedTarget } from "../test/support/fuzz/feed-target.ts";
import { oddFeedTarget } from "../test/support/fuzz/odd-feed.ts";
import { kafkaTarget } from "../test/support/fuzz/kafka-target.ts";
import { seeded } from "../test/support/fuzz/target.ts";

const TARGETS = [feedTarget, oddFeedTarget, kafkaTarget, archiveTarget, cliTarget, apiTarget];
const DEFAULT_MINUTES = 120;
/** The event loop may stand for this long, of processor time: a busy machine is no hang. */
const MOST_HANG_MS = 1_000;
/** A thread that says nothing for this long has hung for good. */
const SILENT_MS = 30_000;
const LOOK_EVERY_MS = 20;
/** What may be held more at the end than after the first quarter. */
const MOST_GROWTH_BYTES = 48 * 1024 * 1024;
const MOST_HEAP_MB = 600;

interface Job {
  readonly target: string;
  readonly seed: number;
  readonly ms: number;
}

interface Report {
  readonly seed: number;
  readonly attacks: number;
  readonly slowestMs: number;
  readonly slowestSeed: number;
  readonly grownBytes: number;
  readonly failure: string | null;
  readonly done: boolean;
}

if (isMainThread) await watch();
else await attack(workerData as Job);

async function watch(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { seed: { type: "string" } },
  });
  const [first = ""] = positionals;
  const minutes = /^[\d.]+$/.test(first) ? Number(first) : DEFAULT_MINUTES;
  const names = positionals.filter((word) => word !== first || !/^[\d.]+$/.test(word));
  const unknown = names.find((name) => !TARGETS.some((target) => target.name === name));
  if (unknown !== undefined) {
    console.error(
      `${JSON.stringify(unknown)} is no target. There are ${TARGETS.map(({ name }) => name).join(", ")}.`,
    );
    process.exit(64);
  }
  const seed = values.seed === undefined ? Date.now() % 2 ** 31 : Number(values.seed);
  const chosen = TARGETS.filter(({ name }) => names.length === 0 || names.includes(name));
  console.log(
    `${minutes} min from seed ${seed}, spread over ${chosen.map(({ name }) => name).join(", ")}; again: npm run fuzz -- ${minutes} --seed ${seed}`,
  );
  let failed = false;
  let all = 0;
  for (const { name } of chosen) {
    const report = await run({ target: name, seed, ms: (minutes * 60_000) / chosen.length });
    const { attacks, slowestMs, slowestSeed, grownBytes, failure } = report;
    console.log(
      `${name}: ${attacks} attacks from seed ${seed}, slowest ${slowestMs.toFixed(0)} ms (seed ${slowestSeed}), ` +
        `${(grownBytes / 1e6).toFixed(0)} MB grown: ${failure === null ? "no failure" : "FAILED"}`,
    );
    all += attacks;
    if (failure === null) continue;
    failed = true;
    console.error(
      `${name}: seed ${report.seed} fails. Again: npm run fuzz -- 0.1 ${name} --seed ${report.seed}\n${failure}`,
    );
  }
  console.log(
    `${all} attacks on ${chosen.length} targets from seed ${seed}: ${failed ? "FAILED" : "no failure"}`,
  );
  process.exit(failed ? 1 : 0);
}

/** Runs one thread to its end, or ends it when it is silent or has died. */
function run(job: Job): Promise<Report> {
  const worker = new Worker(new URL(import.meta.url), {
    workerData: job,
    resourceLimits: { maxOldGenerationSizeMb: MOST_HEAP_MB },
  });
  let last: Report = {
    seed: job.seed,
    attacks: 0,
    slowestMs: 0,
    slowestSeed: job.seed,
    grownBytes: 0,
    failure: null,
    done: false,
  };
  return new Promise((resolve) => {
    const end = (failure: string | null): void => {
      clearTimeout(silence);
      void worker.terminate();
      resolve({ ...last, failure });
    };
    const tooSilent = (): void =>
      end(`The event loop stood for ${SILENT_MS / 1_000} s, at or soon after this seed.`);
    let silence = setTimeout(tooSilent, SILENT_MS);
    worker.on("message", (report: Report) => {
      last = report;
      clearTimeout(silence);
      if (report.done || report.failure !== null) return end(report.failure);
      silence = setTimeout(tooSilent, SILENT_MS);
    });
    worker.on("error", (error) =>
      end(`The thread died at or soon after this seed: ${error.stack ?? error.message}`),
    );
    worker.on("exit", () => end(last.done ? last.failure : "The thread ended by itself."));
  });
}

async function attack({ target: name, seed: firstSeed, ms }: Job): Promise<void> {
  const target = TARGETS.find((one) => one.name === name);
  if (target === undefined) throw new Error(`no target ${name}`);
  const open = await target.open();
  const startedMs = performance.now();
  const state = { seed: firstSeed, attacks: 0, slowestMs: 0, slowestSeed: firstSeed, grownBytes: 0 };
  const tell = (failure: string | null, done: boolean): void =>
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread of ours, no window
    parentPort?.postMessage({ ...state, failure, done } satisfies Report);
  let hang: string | null = null;
  let looked = now();
  // Turns of the loop are counted by a timer: an attack that waits for something is no hang, one that holds the loop is.
  const looking = setInterval(() => {
    const at = now();
    const stoodMs = Math.min(at.wallMs - looked.wallMs, at.cpuMs - looked.cpuMs);
    if (stoodMs > MOST_HANG_MS) hang ??= `The event loop stood for ${stoodMs.toFixed(0)} ms.`;
    looked = at;
  }, LOOK_EVERY_MS);
  let earlyBytes: number | null = null;
  let toldMs = 0;
  let failure: string | null = null;
  while (failure === null && performance.now() - startedMs < ms) {
    const beganMs = performance.now();
    try {
      await open.once(seeded(state.seed));
    } catch (error) {
      failure = error instanceof Error ? (error.stack ?? error.message) : String(error);
      break;
    }
    const tookMs = performance.now() - beganMs;
    if (tookMs > state.slowestMs) Object.assign(state, { slowestMs: tookMs, slowestSeed: state.seed });
    state.attacks += 1;
    // The loop has its turn, so that a hang is seen at the seed that made it.
    await new Promise((resolve) => setImmediate(resolve));
    if (tookMs > MOST_HANG_MS) await new Promise((resolve) => setTimeout(resolve, 2 * LOOK_EVERY_MS));
    if (hang !== null) failure = hang;
    const sinceMs = performance.now() - startedMs;
    if (earlyBytes === null && sinceMs > ms / 4) earlyBytes = heldBytes();
    if (sinceMs - toldMs > 1_000) {
      toldMs = sinceMs;
      tell(null, false);
    }
    if (failure === null) state.seed += 1;
  }
  clearInterval(looking);
  state.grownBytes = earlyBytes === null ? 0 : heldBytes() - earlyBytes;
  if (failure === null && state.grownBytes > MOST_GROWTH_BYTES)
    failure = `Memory grew by ${(state.grownBytes / 1e6).toFixed(0)} MB since the first quarter.`;
  await open.close();
  tell(failure, true);
}

function now(): { readonly wallMs: number; readonly cpuMs: number } {
  const { user, system } = process.threadCpuUsage();
  return { wallMs: performance.now(), cpuMs: (user + system) / 1_000 };
}

/** What this thread holds after a full collection. */
function heldBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
