/** A broker and a Spark Connect server for one test file, and supervisors in and out of this process. */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import { createServer } from "node:tls";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { type RunningBroker, startBroker } from "../../../infra/kafka/broker.ts";
import { type RunningSpark, startSpark, type SparkOptions } from "../../../infra/spark/server.ts";
import { KafkaLog } from "../../../src/log/kafka/kafka-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { aggregateProcessor } from "../../../src/stages/aggregate/totals-processor.ts";
import { readPublishedAreas } from "../../../src/stages/aggregate/published-areas.ts";
import type { Log, Logger, ProduceRecord, TopicNames } from "../../../src/ports.ts";
import { parseSparkAddress } from "../../../src/spark/address.ts";
import { SparkSession } from "../../../src/spark/session.ts";
import { sparkErrorOf } from "../../../src/stages/aggregate-spark/spark-errors.ts";
import { superviseTotals } from "../../../src/stages/aggregate-spark/supervisor.ts";
import type { SupervisorOptions } from "../../../src/stages/aggregate-spark/supervisor-options.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { countingMetrics, silentLogger } from "../../support/silent.ts";
import { finalTable, readAll, reducedTable } from "../../support/totals-judge.ts";

export const PARTITIONS = 3;
const PATIENCE_MS = 120_000;

export interface Ground {
  readonly broker: RunningBroker;
  readonly spark: RunningSpark;
  readonly log: Log;
  stop(): Promise<void>;
}

export async function startGround(options: SparkOptions = {}): Promise<Ground> {
  const report = (line: string): void => console.error(line);
  const broker = await startBroker({ report });
  let spark: RunningSpark;
  try {
    spark = await startSpark({ report, ...options });
  } catch (error) {
    await broker.stop();
    throw error;
  }
  const log = new KafkaLog({
    access: { brokers: broker.brokers, clientId: "test", tls: null, sasl: null },
    clock: systemClock,
    logger: silentLogger,
    metrics: countingMetrics(),
  });
  return {
    broker,
    spark,
    log,
    stop: async () => {
      await log.close();
      await Promise.all([broker.stop(), spark.stop()]);
    },
  };
}

export async function makeTopics(log: Log, name: string): Promise<TopicNames> {
  const topics = { raw: `${name}-raw`, totals: `${name}-totals`, rejects: `${name}-rejects` };
  await log.createTopics(topicSpecs(topics, { partitions: PARTITIONS, replicationFactor: 1 }));
  return topics;
}

export async function publish(log: Log, records: readonly ProduceRecord[]): Promise<void> {
  const producer = await log.producer();
  await producer.publish(records);
  await producer.close();
}

export interface Supervised {
  /** Log events told so far. */
  readonly events: readonly string[];
  /** Settles when it has ended, by itself or by `stop`. */
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

/** A supervisor in this process. */
export function supervise(
  ground: Ground,
  topics: TopicNames,
  name: string,
  more: Partial<SupervisorOptions> = {},
): Supervised {
  const events: string[] = [];
  const note = (event: string): void => void events.push(event);
  const logger: Logger = { debug: note, info: note, warn: note, error: note };
  const stopping = new AbortController();
  const address = parseSparkAddress(ground.spark.url);
  const done = superviseTotals(
    {
      connect: (sessionId) =>
        new SparkSession({ address, sessionId, clock: systemClock, asError: sparkErrorOf }),
      log: ground.log,
      topics,
      kafka: { "kafka.bootstrap.servers": ground.broker.brokers.join(",") },
      trigger: { kind: "interval", interval: "0 seconds" },
      compression: "gzip",
      writer: "spark:test:0",
      shufflePartitions: 2,
      checkpoints: join(ground.spark.dataDir, "checkpoints", name),
      recordFile: join(ground.spark.dataDir, `${name}.json`),
      patienceMs: PATIENCE_MS,
      clock: systemClock,
      metrics: countingMetrics(),
      logger,
      ...more,
    },
    stopping.signal,
  );
  // A failure surfaces at stop; until then it must not end the test process.
  done.catch(() => {});
  return {
    events,
    done,
    stop: async () => {
      stopping.abort();
      await done;
    },
  };
}

export interface SupervisorProcess {
  readonly child: ChildProcess;
  /** Batches told on stdout so far. */
  readonly batches: () => number;
  /** All that it has written to stdout and stderr so far. */
  readonly said: () => string;
  readonly exited: Promise<number | null>;
}

export interface InProcessOptions {
  /** In the environment, as a user gives it. */
  readonly token?: string;
  /** How to reach Spark, as arguments. @default the server's own address */
  readonly spark?: readonly string[];
}

/** `velostream aggregate --engine spark`, as a user starts it, with nothing set but PATH and HOME. */
export function superviseInProcess(
  ground: Ground,
  topics: TopicNames,
  { token, spark = [`--spark=${ground.spark.url}`] }: InProcessOptions = {},
): SupervisorProcess {
  const command = fileURLToPath(new URL("../../../bin/velostream.js", import.meta.url));
  const child = spawn(
    process.execPath,
    [
      command,
      "aggregate",
      "--engine=spark",
      ...spark,
      `--brokers=${ground.broker.brokers.join(",")}`,
      `--raw-topic=${topics.raw}`,
      `--totals-topic=${topics.totals}`,
      `--rejects-topic=${topics.rejects}`,
      `--data-dir=${join(ground.spark.dataDir, topics.raw)}`,
      "--json",
    ],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        HOME: process.env["HOME"],
        ...(token === undefined ? {} : { VELOSTREAM_SPARK_TOKEN: token }),
      },
    },
  );
  let batches = 0;
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += String(text)));
  child.stderr.pipe(process.stderr, { end: false });
  createInterface({ input: child.stdout }).on("line", (line) => {
    if ((JSON.parse(line) as { event: string }).event === "batch") batches += 1;
  });
  return {
    child,
    batches: () => batches,
    said: () => said,
    exited: new Promise((resolve) => child.once("exit", resolve)),
  };
}

/** Node workers on the same topics, as `velostream aggregate` runs them: `members` of one group. */
export async function aggregateOnNode(
  log: Log,
  topics: TopicNames,
  members = 1,
): Promise<{ stop(): Promise<void> }> {
  const workers = await Promise.all(
    Array.from({ length: members }, async () =>
      log.process(
        { topic: topics.raw, group: `${topics.totals}-group` },
        aggregateProcessor({
          writer: { engine: "node", group: "test", sinceMs: 0 },
          topics,
          readReference: () => null,
          partitionCount: PARTITIONS,
          publishedAreas: (place) => readPublishedAreas(log, topics, place),
          clock: systemClock,
          logger: silentLogger,
          metrics: countingMetrics(),
        }),
      ),
    ),
  );
  return {
    stop: async () => {
      await Promise.all(workers.map(async (worker) => worker.stop()));
    },
  };
}

/**
 * A gateway in front of the Connect server that speaks TLS, as clusters have it.
 * @param cert PEM files of the gateway
 */
export async function tlsGateway(
  ground: Ground,
  files: { readonly cert: string; readonly key: string },
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const { host, port } = parseSparkAddress(ground.spark.url);
  const open = new Set<Socket>();
  const server = createServer(
    { cert: readFileSync(files.cert), key: readFileSync(files.key), ALPNProtocols: ["h2"] },
    (secure) => {
      const plain = connect(port, host);
      for (const [socket, other] of [
        [secure, plain],
        [plain, secure],
      ] as const) {
        open.add(socket);
        socket.on("error", () => other.destroy());
        socket.on("close", () => {
          open.delete(socket);
          other.destroy();
        });
      }
      secure.pipe(plain).pipe(secure);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Waits until `holds`; the limit is for a test that can never end. */
export async function until(what: string, holds: () => Promise<boolean> | boolean): Promise<void> {
  const giveUpAt = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert.ok(Date.now() < giveUpAt, `never came: ${what}`);
    await delay(250);
  }
}

/** Waits until a reader of the totals holds the reducer's table of the raw topic as it is now. */
export async function untilSameTable(log: Log, topics: TopicNames): Promise<void> {
  const expected = reducedTable(await readAll(log, topics.raw));
  const giveUpAt = Date.now() + PATIENCE_MS;
  for (;;) {
    const table = finalTable(await readAll(log, topics.totals));
    if (isDeepStrictEqual(table, expected)) return;
    if (Date.now() > giveUpAt) assert.deepEqual(table, expected);
    await delay(250);
  }
}
