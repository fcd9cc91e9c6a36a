/**
 * What --commit-interval costs and brings: transactions a second, processor time of worker and broker, and how long it
 * takes from a raw record to its totals, when records trickle and when a poll comes every second.
 *
 *   this process ──raw record──▶ Kafka ──▶ velostream aggregate ──totals──▶ Kafka ──▶ this process
 *   └──────────────────────────────── measured ────────────────────────────────────────┘
 */
import { type ChildProcess, spawn } from "node:child_process";
import { loadavg } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startBroker, type RunningBroker } from "../infra/kafka/broker.ts";
import { KafkaLog } from "../src/log/kafka/kafka-log.ts";
import { topicSpecs } from "../src/log/topics.ts";
import { decodeTotals } from "../src/record/totals-record.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { createMetrics } from "../src/telemetry/metrics.ts";
import { systemClock } from "../src/telemetry/system-clock.ts";
import { cpuMsOf } from "./support/process-use.ts";
import { type Figure, figure, quantile, report } from "./support/report.ts";

const PARTITIONS = 4;
const INTERVALS_MS = [0, 20, 100, 300];
const WARM_UP_MS = 4_000;
const MEASURED_MS = 12_000;
const LOADS = [
  // 75 changes a second in each partition, each published by itself.
  { name: "300 changes/s, one by one", everyMs: 10, records: 3 },
  { name: "a poll of 400 changes every second", everyMs: 1_000, records: 400 },
];

type LoadShape = (typeof LOADS)[number];

interface Measured {
  readonly transactionsPerSecond: number;
  readonly workerMsPerSecond: number;
  readonly brokerMsPerSecond: number;
  /** Ascending. */
  readonly latenciesMs: readonly number[];
}

async function measure(
  broker: RunningBroker,
  load: LoadShape,
  intervalMs: number,
  run: number,
): Promise<Measured> {
  const topics = { raw: `raw-${run}`, totals: `totals-${run}`, rejects: `rejects-${run}` };
  const log = new KafkaLog({
    access: { brokers: broker.brokers, clientId: "bench", tls: null, sasl: null },
    clock: systemClock,
    logger: SILENT,
    metrics: createMetrics({ process: false }),
    compression: "gzip",
  });
  await log.createTopics(topicSpecs(topics, { partitions: PARTITIONS, replicationFactor: 1 }));
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL("../bin/velostream.js", import.meta.url)),
      "aggregate",
      `--brokers=${broker.brokers.join(",")}`,
      `--raw-topic=${topics.raw}`,
      `--totals-topic=${topics.totals}`,
      `--rejects-topic=${topics.rejects}`,
      `--group=group-${run}`,
      `--commit-interval=${intervalMs}ms`,
      "--metrics-port=0",
      "--log-level=warn",
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const killed = (): void => void child.kill("SIGKILL");
  process.once("exit", killed);
  const url = await metricsAddress(child);
  const stop = new AbortController();
  const latencies: { readonly atMs: number; readonly tookMs: number }[] = [];
  const reading = (async (): Promise<void> => {
    for await (const { records } of log.read({
      topics: [topics.totals],
      from: "earliest",
      signal: stop.signal,
    })) {
      const nowMs = Date.now();
      for (const { value } of records) {
        const asOfMs = value === null ? null : decodeTotals(value.toString("utf8"))?.asOfMs;
        if (asOfMs !== null && asOfMs !== undefined) latencies.push({ atMs: nowMs, tookMs: nowMs - asOfMs });
      }
    }
  })();
  const publishing = publish(log, topics.raw, load, stop.signal);
  await systemClock.sleep(WARM_UP_MS);
  const fromMs = Date.now();
  const before = [await transactionsOf(url), cpuMsOf(child.pid), cpuMsOf(broker.pid(1))] as const;
  await systemClock.sleep(MEASURED_MS);
  const seconds = (Date.now() - fromMs) / 1_000;
  const after = [await transactionsOf(url), cpuMsOf(child.pid), cpuMsOf(broker.pid(1))] as const;
  stop.abort();
  await publishing;
  await reading;
  killed();
  process.off("exit", killed);
  await log.close();
  return {
    transactionsPerSecond: (after[0] - before[0]) / seconds,
    workerMsPerSecond: (after[1] - before[1]) / seconds,
    brokerMsPerSecond: (after[2] - before[2]) / seconds,
    latenciesMs: latencies
      .filter(({ atMs }) => atMs >= fromMs && atMs < fromMs + MEASURED_MS)
      .map(({ tookMs }) => tookMs)
      .sort((a, b) => a - b),
  };
}

/** Stations in turn, each of an area of its own; areas are spread over the partitions. */
async function publish(log: KafkaLog, topic: string, load: LoadShape, signal: AbortSignal): Promise<void> {
  const producer = await log.producer();
  let next = 0;
  let dueMs = Date.now();
  while (!signal.aborted) {
    const nowMs = Date.now();
    await producer.publish(
      Array.from({ length: load.records }, () => {
        next += 1;
        const station = next % 400;
        const value = `{"system_id":"bench","station_id":"${station}","postcode":"a${station}","slot":0,"nbr_total":${next},"nbr_elec":null,"nbr_meca":null,"observed_at":${nowMs}}`;
        return { topic, key: `bench:${station}`, value, partition: station % PARTITIONS, timestampMs: nowMs };
      }),
    );
    dueMs += load.everyMs;
    await systemClock.sleep(Math.max(0, dueMs - Date.now()), signal);
  }
  await producer.close();
}

async function metricsAddress(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    const address = /Metrics: (\S+)/.exec(line)?.[1];
    if (address === undefined) continue;
    child.stderr?.resume();
    return address;
  }
  throw new Error("velostream aggregate ended before it served its metrics");
}

async function transactionsOf(url: string): Promise<number> {
  const text = await (await fetch(url)).text();
  return Number(/^velostream_kafka_transactions_total\{outcome="committed"\} (\d+)$/m.exec(text)?.[1] ?? 0);
}

const figures: Figure[] = [];
const broker = await startBroker({ heapMb: 512 });
let run = 0;
/** What else the machine does: latencies mean little beside a busy neighbour. */
const [loadBefore = NaN] = loadavg();
try {
  for (const load of LOADS)
    for (const intervalMs of INTERVALS_MS) {
      const measured = await measure(broker, load, intervalMs, (run += 1));
      const { latenciesMs } = measured;
      const p99 = quantile(latenciesMs, 0.99);
      const name = `${load.name}, --commit-interval ${intervalMs}ms`;
      figures.push(
        figure(`${name}: transactions`, "/s", [measured.transactionsPerSecond]),
        figure(`${name}: processor time of the worker`, "ms/s", [measured.workerMsPerSecond]),
        figure(`${name}: processor time of the broker`, "ms/s", [measured.brokerMsPerSecond]),
      );
      console.error(
        `${name}: ${measured.transactionsPerSecond.toFixed(1)} transactions/s, worker ${measured.workerMsPerSecond.toFixed(0)} ms/s, broker ${measured.brokerMsPerSecond.toFixed(0)} ms/s, p50 ${quantile(latenciesMs, 0.5)} p99 ${p99} ms`,
      );
    }
} finally {
  await broker.stop();
}
report({
  name: "commit-interval",
  claim:
    "with the default --commit-interval each partition makes ten transactions a second at most, however records trickle in",
  holds: figures
    .filter(({ name }) => name.includes("interval 100ms: transactions"))
    .every(({ median }) => median <= 10.5 * PARTITIONS),
  figures,
  facts: {
    partitions: PARTITIONS,
    seconds: MEASURED_MS / 1_000,
    broker: "Kafka, one node, on the same machine",
    loadAverage: loadBefore.toFixed(1),
  },
});
process.exit(0);
