/** What a third worker costs the partitions of two: how long each of 12 partitions is silent, beside the group protocol's own time. */
import { loadavg } from "node:os";
import { startBroker } from "../infra/kafka/broker.ts";
import { KafkaLog } from "../src/log/kafka/kafka-log.ts";
import { membershipTimes } from "../src/log/kafka/membership-times.ts";
import type { ProcessHandle } from "../src/ports.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { systemClock } from "../src/telemetry/system-clock.ts";
import { figure, report } from "./support/report.ts";

const PARTITIONS = 12;
const RUNS = 5;
const LIMIT_MS = 500;
const EVERY_MS = 10;

const broker = await startBroker({ report: console.error });
/** Durations of joins, by all workers: the group protocol's own time. */
const joins: { readonly endedAtMs: number; readonly durationMs: number }[] = [];
const open = (): KafkaLog =>
  new KafkaLog({
    access: { brokers: broker.brokers, clientId: "bench", tls: null, sasl: null },
    clock: systemClock,
    logger: {
      ...SILENT,
      info: (event, _message, fields) => {
        if (event === "aggregate.assigned")
          joins.push({ endedAtMs: performance.now(), durationMs: Number(fields?.["durationMs"]) });
      },
    },
    metrics: { count() {}, set() {}, observe() {}, forget() {} },
    times: membershipTimes(10_000),
  });

const log = open();
/** When each partition's records were last seen processed, and its longest silence since the marks were cleared. */
const last = new Map<number, number>();
const longest = new Map<number, number>();

async function work(logOfWorker: KafkaLog): Promise<ProcessHandle> {
  return logOfWorker.process(
    { topic: "raw", group: "bench" },
    {
      async restore(_partition, history) {
        for await (const _records of history);
      },
      process(partition, records) {
        const now = performance.now();
        longest.set(partition, Math.max(longest.get(partition) ?? 0, now - (last.get(partition) ?? now)));
        last.set(partition, now);
        return records.map(({ key }) => ({ topic: "totals", key, value: "1", partition }));
      },
      release() {},
    },
  );
}

const stop = new AbortController();
async function produce(): Promise<void> {
  const producer = await log.producer();
  while (!stop.signal.aborted) {
    await producer.publish(
      Array.from({ length: PARTITIONS }, (_, partition) => ({
        topic: "raw",
        key: `k${partition}`,
        value: "1",
        partition,
      })),
    );
    await systemClock.sleep(EVERY_MS);
  }
  await producer.close();
}

/**
 * Longest silence of any partition while `act` runs and for two seconds after it, and the group protocol's own time: the
 * longest join, or, where a worker leaves, from its having left to the last of the others having its new share.
 */
async function silence(
  act: () => Promise<void>,
  leaves: boolean,
): Promise<{ silentMs: number; protocolMs: number }> {
  longest.clear();
  joins.length = 0;
  await act();
  const actedAtMs = performance.now();
  await systemClock.sleep(2_000);
  const protocol = joins.map(({ endedAtMs, durationMs }) => (leaves ? endedAtMs - actedAtMs : durationMs));
  return { silentMs: Math.max(...longest.values()), protocolMs: Math.max(0, ...protocol) };
}

try {
  await log.createTopics(
    ["raw", "totals"].map((topic) => ({
      topic,
      partitions: PARTITIONS,
      replicationFactor: 1,
      cleanupPolicy: "delete" as const,
    })),
  );
  const logs = [open(), open(), open()];
  const producing = produce();
  const first = await work(logs[0] ?? log);
  const second = await work(logs[1] ?? log);
  while (first.progress().length + second.progress().length < PARTITIONS) await systemClock.sleep(20);
  await systemClock.sleep(2_000);
  const undisturbed = await silence(() => Promise.resolve(), false);
  const joined: number[] = [];
  const left: number[] = [];
  const beyond: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    let third: ProcessHandle | null = null;
    const join = await silence(async () => {
      third = await work(logs[2] ?? log);
      while (third.progress().length < PARTITIONS / 3) await systemClock.sleep(10);
    }, false);
    joined.push(join.silentMs);
    beyond.push(join.silentMs - join.protocolMs);
    const leave = await silence(async () => third?.stop(), true);
    left.push(leave.silentMs);
    beyond.push(leave.silentMs - leave.protocolMs);
  }
  stop.abort();
  await producing;
  await Promise.all([first.stop(), second.stop()]);
  for (const each of logs) await each.close();
  const worst = figure("longest silence beyond the group protocol's own time", "ms", beyond);
  report({
    name: "kafka-rebalance",
    claim: `between 2 and 3 workers no partition of 12 is silent for more than ${LIMIT_MS} ms beyond the group protocol's own time`,
    holds: worst.max < LIMIT_MS,
    figures: [
      worst,
      figure("longest silence of any partition, a third worker joins", "ms", joined),
      figure("longest silence of any partition, it leaves", "ms", left),
      figure("longest silence of any partition, nothing happens", "ms", [undisturbed.silentMs]),
    ],
    facts: {
      kafka: broker.version,
      loadAverageOfTheMachine: loadavg()[0] ?? 0,
      partitions: PARTITIONS,
      recordsPerSecondAndPartition: 1000 / EVERY_MS,
    },
  });
} finally {
  stop.abort();
  await log.close();
  await broker.stop();
}
