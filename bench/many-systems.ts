/**
 * Claim: 1,520 systems with 300,000 stations are polled on schedule by one process, from discovery to totals: under
 * 1 GB resident, under one core, no ttl violated, 99 % of the polls begin within a second of when they were due.
 *
 * The systems are simulated (bench/support/many-systems-server.ts), in a process of their own. What is measured is
 * `run` without its page: feeds, collectors, memory log and aggregate.
 */
import { fork } from "node:child_process";
import { setFlagsFromString } from "node:v8";
import { Collector } from "../src/pipeline/collect.ts";
import type { CollectorStatus } from "../src/pipeline/collector-status.ts";
import { RestoreSnapshot } from "../src/pipeline/restore-collection.ts";
import { fixedSupply, Systems, type OpenedSystem } from "../src/pipeline/systems.ts";
import { areaRules, pacerRules } from "../src/cli/session-rules.ts";
import { startWorker } from "../src/cli/worker.ts";
import { settle } from "../src/config/settings.ts";
import { HttpClient } from "../src/feed/http-client.ts";
import { HttpFeed } from "../src/feed/http-feed.ts";
import { typedTarget } from "../src/feed/feed-target.ts";
import { FairGate } from "../src/feed/request-gate.ts";
import { MemoryLog } from "../src/log/memory-log.ts";
import { topicSpecs } from "../src/log/topics.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { systemClock } from "../src/telemetry/system-clock.ts";
import { figure, quantile, report } from "./support/report.ts";

// As bin/velostream.js starts (docs/decisions/0033); --max-semi-space-size is given by bench/run.ts.
setFlagsFromString("--heap-growing-percent=20");

const WARM_UP_MS = Number(process.env["WARM_UP_S"] ?? 90) * 1000;
const MEASURED_MS = Number(process.env["MEASURED_S"] ?? 180) * 1000;

const server = fork(new URL("./support/many-systems-server.ts", import.meta.url).pathname);
const { urls, stations } = await new Promise<{ urls: string[]; stations: number }>((resolve) => {
  server.once("message", (message) => resolve(message as { urls: string[]; stations: number }));
});

const { settings } = settle({ args: [], env: {}, accepts: [], commandName: "bench" });
const clock = systemClock;
const metrics = createMetrics({ process: false });
const topics = { raw: "raw", totals: "totals", rejects: "rejects" };
const log = new MemoryLog({ clock });
await log.createTopics(topicSpecs(topics, { partitions: 4, replicationFactor: 1 }));
const worker = await startWorker({ log, topics, settings, clock, logger: SILENT, metrics });
const client = new HttpClient({
  userAgent: "velostream-bench",
  now: () => clock.now(),
  gate: new FairGate({ total: 64, perHost: 4 }),
});

let measuring = false;
let polls = 0;
let failures = 0;
const delaysMs: number[] = [];
const pacerFor = pacerRules("auto", false);
const areasFor = areaRules(null, null);

function opened(url: string): OpenedSystem {
  const target = typedTarget(url);
  if (target === null) throw new Error(`${url} is no URL`);
  const source = new HttpFeed({ target, client, clock });
  const poll = source.poll.bind(source);
  let dueMs: number | null = null;
  source.poll = async (signal) => {
    if (measuring && dueMs !== null) delaysMs.push(Math.max(0, clock.now() - dueMs));
    const result = await poll(signal);
    if (measuring) {
      polls += 1;
      if (result.kind === "failed") failures += 1;
    }
    return result;
  };
  return {
    source,
    areasFor,
    pacerFor: (system) => {
      const pacer = pacerFor(system);
      return {
        next: (outcome, random) => (dueMs = pacer.next(outcome, random)),
        get changePeriodMs() {
          return pacer.changePeriodMs;
        },
      };
    },
  };
}

const statuses: CollectorStatus[] = [];
const producer = await log.producer();
const stop = new AbortController();
const restores = new RestoreSnapshot(log, topics.raw, stop.signal);
const systems = new Systems({
  supply: fixedSupply(urls.map(opened)),
  statuses,
  logger: SILENT,
  collectorOf: (system, claim) =>
    new Collector({
      ...system,
      claim,
      restore: (collection, systemId) => restores.restore(collection, systemId),
      log,
      producer,
      topics,
      mode: "changes",
      selection: null,
      lossless: false,
      clock,
      random: Math.random,
      logger: SILENT,
      metrics,
    }),
});
const done = systems.run(stop.signal);
await clock.sleep(WARM_UP_MS);
const live = statuses.filter(({ state }) => state === "live").length;
server.send("reset");
measuring = true;
const rssMb: number[] = [];
const cpuBefore = process.cpuUsage();
const startedMs = performance.now();
while (performance.now() - startedMs < MEASURED_MS) {
  await clock.sleep(1_000);
  rssMb.push(process.memoryUsage.rss() / 1e6);
}
const cpu = process.cpuUsage(cpuBefore);
const wallMs = performance.now() - startedMs;
measuring = false;
const counts = await new Promise<{ requests: number; early: number; notModified: number }>((resolve) => {
  server.once("message", (message) => resolve((message as { counts: typeof counts }).counts));
  server.send("count");
});
const held = statuses.reduce((sum, status) => sum + status.stations, 0);
// What is really held, beside what the garbage collector has not yet taken back.
globalThis.gc?.();
const { heapUsed, arrayBuffers } = process.memoryUsage();
stop.abort();
await done;
await worker.stop();
await client.close();
server.disconnect();

const cores = (cpu.user + cpu.system) / 1000 / wallMs;
const sorted = delaysMs.toSorted((a, b) => a - b);
const p99Ms = quantile(sorted, 0.99);
const mostMb = Math.max(...rssMb);
report({
  name: "many-systems",
  claim: `${urls.length} systems with ${stations} stations on schedule: under 1 GB, under one core, no ttl violated, p99 delay under 1 s`,
  holds:
    live === urls.length &&
    held === stations &&
    mostMb < 1000 &&
    cores < 1 &&
    counts.early === 0 &&
    p99Ms < 1000,
  figures: [
    figure("resident memory", "MB", rssMb),
    figure("processor", "cores", [cores]),
    figure("schedule delay, median", "ms", [quantile(sorted, 0.5)]),
    figure("schedule delay, 99th percentile", "ms", [p99Ms]),
  ],
  facts: {
    systems: urls.length,
    stations,
    liveAfterWarmUp: live,
    stationsHeld: held,
    pollsASecond: Math.round((polls * 10_000) / wallMs) / 10,
    failedPolls: failures,
    requestsBeforeTheTtlWasOver: counts.early,
    heldAfterCollectionMb: Math.round((heapUsed + arrayBuffers) / 1e6),
    measuredSeconds: Math.round(wallMs / 1000),
  },
});
