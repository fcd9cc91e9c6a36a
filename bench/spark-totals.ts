/**
 * Node workers and Spark side by side on the same raw topic: how fast each reads a backlog, and how long a change of one
 * station takes to its area's total, at 1,500 and at 300,000 stations, and with the largest areas that Spark takes
 * (`-- small` for the first size only).
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { startBroker } from "../infra/kafka/broker.ts";
import { SPARK_VERSION } from "../infra/spark/jars.ts";
import { startSpark } from "../infra/spark/server.ts";
import { areaPartitionKey } from "../src/record/partitioning.ts";
import { decodeThrough } from "../src/record/totals-record.ts";
import { KafkaLog } from "../src/log/kafka/kafka-log.ts";
import { topicSpecs } from "../src/log/topics.ts";
import { aggregateProcessor } from "../src/stages/aggregate/totals-processor.ts";
import { readPublishedAreas } from "../src/stages/aggregate/published-areas.ts";
import type { Log, Metrics, ProduceRecord, TopicNames } from "../src/ports.ts";
import { parseSparkAddress } from "../src/spark/address.ts";
import { SparkSession } from "../src/spark/session.ts";
import { sparkErrorOf } from "../src/stages/aggregate-spark/spark-errors.ts";
import { superviseTotals } from "../src/stages/aggregate-spark/supervisor.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { systemClock } from "../src/telemetry/system-clock.ts";
import { type Figure, figure, report } from "./support/report.ts";

const PARTITIONS = 4;
const GIVE_UP_MS = 300_000;

interface Size {
  readonly name: string;
  readonly stations: number;
  readonly perArea: number;
  /** Changes of one station whose way to a total is timed, one after the other. */
  readonly samples: number;
}

const SMALL: Size = { name: "1500 stations", stations: 1_500, perArea: 18, samples: 40 };
const SIZES: readonly Size[] = process.argv.includes("small")
  ? [SMALL]
  : [
      SMALL,
      { name: "3000 stations in 3 areas of 1000", stations: 3_000, perArea: 1_000, samples: 10 },
      { name: "300000 stations", stations: 300_000, perArea: 18, samples: 40 },
    ];

const NO_METRICS: Metrics = { count() {}, set() {}, observe() {}, forget() {} };

function areaOf(station: number, { perArea }: Size): string {
  return `a${Math.floor(station / perArea)}`;
}

function observation(topic: string, size: Size, station: number, total: number): ProduceRecord {
  const area = areaOf(station, size);
  return {
    topic,
    key: `velib:${station}`,
    partitionKey: areaPartitionKey("velib", area),
    value: JSON.stringify({
      stationCode: String(10_000 + station),
      station_id: String(station),
      num_bikes_available: total,
      num_docks_available: 20,
      is_installed: 1,
      is_renting: 1,
      is_returning: 1,
      system_id: "velib",
      postcode: area,
      slot: station % size.perArea,
      nbr_total: total,
      nbr_elec: total,
      nbr_meca: 0,
      nbr_docks: 20,
      observed_at: Date.now(),
    }),
  };
}

/** Totals as they become readable: waits for areas and for counts of distinct areas. */
class TotalsReader {
  readonly #stop = new AbortController();
  readonly #seen = new Map<string, number>();
  readonly #reading: Promise<void>;

  constructor(log: Log, topic: string) {
    this.#reading = this.#read(log, topic);
  }

  async #read(log: Log, topic: string): Promise<void> {
    for await (const { records } of log.read({
      topics: [topic],
      from: "earliest",
      signal: this.#stop.signal,
    }))
      for (const { key, headers } of records)
        if (key !== null) this.#seen.set(key, decodeThrough(headers["through"])?.offset ?? -1);
  }

  async until(holds: (seen: ReadonlyMap<string, number>) => boolean): Promise<void> {
    const giveUpAt = Date.now() + GIVE_UP_MS;
    while (!holds(this.#seen)) {
      if (Date.now() > giveUpAt) throw new Error("the totals never came");
      await delay(1);
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#reading;
  }
}

interface Measured {
  readonly backlogSeconds: number;
  readonly latenciesMs: readonly number[];
}

async function measure(
  log: Log,
  topics: TopicNames,
  size: Size,
  start: () => Promise<() => Promise<void>>,
): Promise<Measured> {
  const areas = Math.ceil(size.stations / size.perArea);
  const reader = new TotalsReader(log, topics.totals);
  const startedMs = performance.now();
  const stop = await start();
  await reader.until((seen) => seen.size >= areas);
  const backlogSeconds = (performance.now() - startedMs) / 1_000;
  const producer = await log.producer();
  const latenciesMs: number[] = [];
  // Five to warm up, then the counted ones, each after the one before is through.
  for (let sample = -5; sample < size.samples; sample += 1) {
    const station = (sample + 5) * 17;
    const key = areaOf(station, size);
    let before = -1;
    await reader.until((seen) => {
      before = seen.get(key) ?? -1;
      return true;
    });
    const sentMs = performance.now();
    await producer.publish([observation(topics.raw, size, station, 100 + sample)]);
    await reader.until((seen) => (seen.get(key) ?? -1) > before);
    if (sample >= 0) latenciesMs.push(performance.now() - sentMs);
  }
  await producer.close();
  await stop();
  await reader.close();
  return { backlogSeconds, latenciesMs };
}

const broker = await startBroker({ report: console.error, heapMb: 768 });
const spark = await startSpark({ report: console.error, tuning: "speed", heapMb: 2048 });
const log = new KafkaLog({
  access: { brokers: broker.brokers, clientId: "bench", tls: null, sasl: null },
  clock: systemClock,
  logger: SILENT,
  metrics: NO_METRICS,
});
const figures: Figure[] = [];

try {
  for (const size of SIZES) {
    const { stations } = size;
    const raw = `raw-${stations}`;
    const topicsOf = (engine: string): TopicNames => ({
      raw,
      totals: `${engine}-${stations}`,
      rejects: `rejects-${stations}`,
    });
    for (const engine of ["node", "spark"])
      await log.createTopics(topicSpecs(topicsOf(engine), { partitions: PARTITIONS, replicationFactor: 1 }));
    const producer = await log.producer();
    for (let from = 0; from < stations; from += 5_000) {
      const count = Math.min(5_000, stations - from);
      await producer.publish(
        Array.from({ length: count }, (_, index) => observation(raw, size, from + index, 5)),
      );
    }
    await producer.close();
    const engines = {
      node: async () => {
        const topics = topicsOf("node");
        const worker = await log.process(
          { topic: raw, group: `bench-${stations}` },
          aggregateProcessor({
            writer: { engine: "node", group: "test", sinceMs: 0 },
            topics,
            readReference: () => null,
            partitionCount: PARTITIONS,
            publishedAreas: (place) => readPublishedAreas(log, topics, place),
            clock: systemClock,
            logger: SILENT,
            metrics: NO_METRICS,
          }),
        );
        return () => worker.stop();
      },
      spark: async () => {
        const stopping = new AbortController();
        const address = parseSparkAddress(spark.url);
        const done = superviseTotals(
          {
            connect: (sessionId) =>
              new SparkSession({ address, sessionId, clock: systemClock, asError: sparkErrorOf }),
            log,
            topics: topicsOf("spark"),
            kafka: { "kafka.bootstrap.servers": broker.brokers.join(",") },
            trigger: { kind: "interval", interval: "0 seconds" },
            compression: "none",
            writer: "spark:test:0",
            shufflePartitions: 2,
            checkpoints: join(spark.dataDir, `checkpoints-${stations}`),
            recordFile: join(spark.dataDir, `query-${stations}.json`),
            patienceMs: GIVE_UP_MS,
            clock: systemClock,
            logger: SILENT,
            metrics: NO_METRICS,
          },
          stopping.signal,
        );
        return async () => {
          stopping.abort();
          await done;
        };
      },
    };
    for (const [engine, start] of Object.entries(engines)) {
      const { backlogSeconds, latenciesMs } = await measure(log, topicsOf(engine), size, start);
      const sorted = latenciesMs.toSorted((a, b) => a - b);
      const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN;
      const name = `${engine}, ${size.name}`;
      console.error(`${name}: ${backlogSeconds.toFixed(1)} s, then ${Math.round(at(0.5))} ms a change`);
      figures.push(
        figure(`${name}: backlog, start of the query included`, "records/s", [stations / backlogSeconds]),
        figure(`${name}: latency p50 (spread over all)`, "ms", latenciesMs),
        figure(`${name}: latency p99`, "ms", [at(0.99)]),
      );
    }
  }
} finally {
  await log.close();
  await Promise.all([spark.stop(), broker.stop()]);
}
report({
  name: "spark-totals",
  claim:
    "on one machine Node workers answer in milliseconds, Spark in a second or two: Spark is for clusters, not for speed",
  holds: null,
  figures,
  facts: { spark: SPARK_VERSION, kafka: broker.version, partitions: PARTITIONS, master: "local[2]" },
});
