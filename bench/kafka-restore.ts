/** A partition of 300,000 stations on a real broker, from assignment to live; beside reading the same records alone. */
import { loadavg } from "node:os";
import { startBroker } from "../infra/kafka/broker.ts";
import { KafkaLog } from "../src/log/kafka/kafka-log.ts";
import { membershipTimes } from "../src/log/kafka/membership-times.ts";
import { aggregateProcessor } from "../src/stages/aggregate/totals-processor.ts";
import type { ProduceRecord } from "../src/ports.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { systemClock } from "../src/telemetry/system-clock.ts";
import { cpuMs, figure, report } from "./support/report.ts";

const STATIONS = 300_000;
const RUNS = 5;
const LIMIT_MS = 3_000;
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const METRICS = { count() {}, set() {}, observe() {}, forget() {} };

const broker = await startBroker({ heapMb: 768, report: console.error });
const log = new KafkaLog({
  access: { brokers: broker.brokers, clientId: "bench", tls: null, sasl: null },
  clock: systemClock,
  logger: SILENT,
  metrics: METRICS,
  times: membershipTimes(10_000),
});

/** As the collector writes it, without the feed's own fields: 300 stations an area. */
function record(station: number): ProduceRecord {
  const area = `area-${Math.floor(station / 300)}`;
  return {
    topic: TOPICS.raw,
    key: `bench:${station}`,
    partition: 0,
    value: JSON.stringify({
      system_id: "bench",
      station_id: String(station),
      name: `Simulated station ${station}`,
      lat: 48.8,
      lon: 2.3,
      capacity: 30,
      num_bikes_available: 10,
      num_docks_available: 20,
      is_renting: 1,
      postcode: area,
      slot: station % 300,
      nbr_total: 10,
      nbr_elec: 4,
      nbr_meca: 6,
      nbr_docks: 20,
      observed_at: 1_760_000_000_000 + station,
      simulated: true,
    }),
    headers: { schema: "velostream.station.v1" },
  };
}

/** Joins a group and waits until its partition is live. @returns ms, from the start of the restore, and what it held */
async function restore(group: string): Promise<{ ms: number; stations: number }> {
  let startedAtMs = 0;
  let endedAtMs = 0;
  let stations = 0;
  const processor = aggregateProcessor({
    writer: { engine: "node", group: "test", sinceMs: 0 },
    topics: TOPICS,
    readReference: () => null,
    partitionCount: 1,
    publishedAreas: () => Promise.resolve(new Map()),
    clock: systemClock,
    logger: SILENT,
    metrics: METRICS,
  });
  const handle = await log.process(
    { topic: TOPICS.raw, group },
    {
      ...processor,
      async restore(partition, history, range) {
        startedAtMs = performance.now();
        await processor.restore(
          partition,
          (async function* () {
            for await (const records of history) {
              stations += records.length;
              yield records;
            }
          })(),
          range,
        );
        endedAtMs = performance.now();
      },
    },
  );
  while (handle.progress().every(({ lagRecords }) => lagRecords > 0)) await systemClock.sleep(20);
  await handle.stop();
  return { ms: endedAtMs - startedAtMs, stations };
}

async function read(): Promise<number> {
  const startedAtMs = performance.now();
  let count = 0;
  for await (const { records } of log.read({ topics: [TOPICS.raw], from: "earliest", until: "end" }))
    count += records.length;
  if (count !== STATIONS) throw new Error(`${count} records were read`);
  return performance.now() - startedAtMs;
}

try {
  await log.createTopics(
    Object.values(TOPICS).map((topic) => ({
      topic,
      partitions: 1,
      replicationFactor: 1,
      cleanupPolicy: "compact" as const,
    })),
  );
  const producer = await log.producer();
  const producedAtMs = performance.now();
  for (let first = 0; first < STATIONS; first += 10_000)
    await producer.publish(Array.from({ length: 10_000 }, (_, index) => record(first + index)));
  const producedMs = performance.now() - producedAtMs;
  await producer.close();
  // The first member of the group processes everything; those after it restore everything.
  await restore("bench");
  const restores: number[] = [];
  const processor: number[] = [];
  const reads: number[] = [];
  for (let run = -1; run < RUNS; run += 1) {
    let ms = 0;
    let stations = 0;
    const cpu = await cpuMs(async () => ({ ms, stations } = await restore("bench")));
    if (stations !== STATIONS) throw new Error(`${stations} stations were restored`);
    const alone = await read();
    if (run < 0) continue;
    restores.push(ms);
    processor.push(cpu);
    reads.push(alone);
  }
  const restored = figure("restore of 300,000 stations in one partition", "ms", restores);
  report({
    name: "kafka-restore",
    claim: `a partition of 300,000 stations is restored in under ${LIMIT_MS / 1000} s (median)`,
    holds: restored.median < LIMIT_MS,
    figures: [
      restored,
      figure("its processor time in the worker, joining included", "ms", processor),
      figure("reading the same records and nothing else", "ms", reads),
      figure("publishing them, acknowledged", "records per second", [(STATIONS / producedMs) * 1000]),
    ],
    facts: {
      kafka: broker.version,
      loadAverageOfTheMachine: loadavg()[0] ?? 0,
      stations: STATIONS,
      bytesPerRecord: Buffer.byteLength(String(record(STATIONS - 1).value)),
      compression: "zstd",
    },
  });
} finally {
  await log.close();
  await broker.stop();
}
