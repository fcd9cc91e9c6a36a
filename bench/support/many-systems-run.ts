/**
 * 1,520 simulated systems collected by this process, without its page, for as long as the caller says: feeds,
 * collectors, memory log, aggregate and, where a folder is given, the archive.
 *
 * The systems are served by a process of their own (many-systems-server.ts).
 */
import { fork } from "node:child_process";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setFlagsFromString } from "node:v8";
import { areaRules, pacerRules } from "../../src/stages/collect/system-rules.ts";
import { settle } from "../../src/config/settings.ts";
import { typedTarget } from "../../src/feed/feed-target.ts";
import { HttpClient } from "../../src/feed/http-client.ts";
import { HttpFeed } from "../../src/feed/http-feed.ts";
import { FairGate } from "../../src/feed/request-gate.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { topicSpecs } from "../../src/log/topics.ts";
import { Session } from "../../src/session/session.ts";
import { AggregateStage } from "../../src/stages/aggregate/aggregate.ts";
import { ArchiveStage } from "../../src/stages/archive/archive.ts";
import { runSink } from "../../test/support/run-sink.ts";
import { Collector } from "../../src/stages/collect/collector.ts";
import type { CollectorStatus } from "../../src/stages/collect/collector-status.ts";
import { RestoreSnapshot } from "../../src/stages/collect/restore-collection.ts";
import { fixedSupply, Systems, type OpenedSystem } from "../../src/stages/collect/systems.ts";
import type { Archive } from "../../src/archive-ports.ts";
import type { Clock, Metrics, TopicNames } from "../../src/ports.ts";
import { SILENT } from "../../src/telemetry/logger.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";
import { childrenOf, cpuMsOf, endedChildrenCpuMsOf, proportionalBytesOf } from "./process-use.ts";
import { quantile } from "./report.ts";

export interface ManySystemsOptions {
  readonly warmUpMs: number;
  readonly measuredMs: number;
  /** Added to the machine's clock, here and where the systems are served. @default 0 */
  readonly shiftMs?: number;
  readonly openArchive?: (topics: TopicNames, clock: Clock, metrics: Metrics) => Promise<Archive>;
}

export interface ManySystemsRun {
  readonly systems: number;
  readonly stations: number;
  readonly live: number;
  readonly held: number;
  readonly polls: number;
  readonly failures: number;
  /** Requests that came before a file had expired. */
  readonly early: number;
  /** Once a second. */
  readonly residentMb: readonly number[];
  /** With the processes that this one starts. */
  readonly cores: number;
  /** Memory of this process and those it starts together, pages that they share counted once; five times a second. */
  readonly togetherMb: readonly number[];
  readonly wallMs: number;
  readonly delayMedianMs: number;
  readonly delayP99Ms: number;
  readonly loopDelayP99Ms: number;
  readonly loopDelayMaxMs: number;
  readonly heldAfterCollectionMb: number;
}

export async function collectManySystems(options: ManySystemsOptions): Promise<ManySystemsRun> {
  // As bin/velostream.js starts (docs/decisions/0033); --max-semi-space-size is given by bench/run.ts.
  setFlagsFromString("--heap-growing-percent=20");
  const { warmUpMs, measuredMs, shiftMs = 0 } = options;
  const server = fork(new URL("many-systems-server.ts", import.meta.url).pathname, {
    env: { ...process.env, SHIFT_MS: String(shiftMs) },
    execArgv: [],
  });
  const { urls, stations } = await new Promise<{ urls: string[]; stations: number }>((resolve) => {
    server.once("message", (message) => resolve(message as { urls: string[]; stations: number }));
  });
  const { settings } = settle({ args: [], env: {}, accepts: [], commandName: "bench" });
  const clock: Clock = {
    now: () => Date.now() + shiftMs,
    sleep: async (ms, signal) => systemClock.sleep(ms, signal),
  };
  const metrics = createMetrics({ process: false });
  const topics = { raw: "raw", totals: "totals", rejects: "rejects" };
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(topics, { partitions: 4, replicationFactor: 1 }));
  const stopWorker = new AbortController();
  const session = new Session([new AggregateStage(settings)], {
    log,
    topics,
    clock,
    logger: SILENT,
    metrics,
    signal: stopWorker.signal,
  });
  await session.open();
  const working = session.run();
  const archive = await options.openArchive?.(topics, clock, metrics);
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
  const restores = new RestoreSnapshot(log, topics.raw, stop.signal, systemClock);
  const systems = new Systems({
    supply: fixedSupply(urls.map(opened)),
    statuses,
    clock,
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
  const archiving =
    archive === undefined
      ? Promise.resolve()
      : runSink(
          new ArchiveStage({ required: true, openArchive: () => Promise.resolve(archive) }),
          { log, topics, clock, logger: SILENT, metrics },
          stop.signal,
        );
  await clock.sleep(warmUpMs);
  const live = statuses.filter(({ state }) => state === "live").length;
  server.send("reset");
  measuring = true;
  const residentMb: number[] = [];
  const loop = monitorEventLoopDelay({ resolution: 5 });
  loop.enable();
  const helpers = watchHelpers(server.pid ?? 0);
  const cpuBefore = process.cpuUsage();
  const startedMs = performance.now();
  while (performance.now() - startedMs < measuredMs) {
    await clock.sleep(1_000);
    residentMb.push(process.memoryUsage.rss() / 1e6);
  }
  const cpu = process.cpuUsage(cpuBefore);
  const helperMs = helpers.stop();
  const wallMs = performance.now() - startedMs;
  loop.disable();
  measuring = false;
  const counts = await new Promise<{ early: number }>((resolve) => {
    server.once("message", (message) => resolve((message as { counts: typeof counts }).counts));
    server.send("count");
  });
  const held = statuses.reduce((sum, status) => sum + status.stations, 0);
  // What is really held, beside what the garbage collector has not yet taken back.
  globalThis.gc?.();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  stop.abort();
  await done;
  await archiving;
  stopWorker.abort();
  await working;
  await client.close();
  server.disconnect();
  const sorted = delaysMs.toSorted((a, b) => a - b);
  return {
    systems: urls.length,
    stations,
    live,
    held,
    polls,
    failures,
    early: counts.early,
    residentMb,
    cores: ((cpu.user + cpu.system) / 1000 + helperMs) / wallMs,
    togetherMb: helpers.togetherMb,
    wallMs,
    delayMedianMs: quantile(sorted, 0.5),
    delayP99Ms: quantile(sorted, 0.99),
    loopDelayP99Ms: loop.percentile(99) / 1e6,
    loopDelayMaxMs: loop.max / 1e6,
    heldAfterCollectionMb: Math.round((heapUsed + arrayBuffers) / 1e6),
  };
}

/** Looks at what this process started, but for the server of the feeds. */
function watchHelpers(serverPid: number): { readonly togetherMb: number[]; stop(): number } {
  const own = (): readonly number[] => childrenOf(process.pid).filter((pid) => pid !== serverPid);
  const cpuNow = (): number =>
    endedChildrenCpuMsOf(process.pid) + own().reduce((sum, pid) => sum + cpuMsOrNone(pid), 0);
  const togetherMb: number[] = [];
  const beganMs = cpuNow();
  const timer = setInterval(() => {
    const pids = own();
    // Reading the sums of a large process takes the kernel milliseconds: only when there is something to add.
    if (pids.length > 0)
      togetherMb.push(
        (process.memoryUsage.rss() + pids.reduce((sum, pid) => sum + proportionalBytesOf(pid), 0)) / 1e6,
      );
  }, 200);
  return {
    togetherMb,
    stop: () => {
      clearInterval(timer);
      return cpuNow() - beganMs;
    },
  };
}

/** A process may end while it is looked at. */
function cpuMsOrNone(pid: number): number {
  try {
    return cpuMsOf(pid);
  } catch {
    return 0;
  }
}
