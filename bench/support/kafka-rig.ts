/**
 * One Kafka broker on core 0, one engine at a time on core 1: fed, waited for, compared with the expected totals.
 *
 *   topics ─▶ engine up ─▶ warm-up load ─▶ totals as expected ─▶ load written ─▶ COMMIT ─▶ totals as expected
 *                                                                                 └──────── measured ────────┘
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Admin, type CompressionAlgorithmValue } from "@platformatic/kafka";
import { type RunningBroker, startBroker } from "../../infra/kafka/broker.ts";
import { KafkaLog } from "../../src/log/kafka/kafka-log.ts";
import { SILENT } from "../../src/telemetry/logger.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";
import type { Engine } from "./engines.ts";
import { comparable, type Load, type Table, write } from "./kafka-load.ts";
import { buildKafkaStreamsPeer } from "./kafka-streams.ts";
import { cpuMsOf, residentBytesOf } from "./process-use.ts";

const BROKER_CORE = 0;
const WORKER_CORE = 1;
const LIMIT_MS = 180_000;

export interface Measured {
  /** From the commit of the load to the last of its totals, as a reader saw it. */
  readonly wallMs: number;
  /** Processor time of the engine, all threads. */
  readonly cpuMs: number;
  readonly brokerCpuMs: number;
  /** Totals records put out meanwhile. */
  readonly outputs: number;
  /** Resident memory at the end, MiB. */
  readonly residentMiB: number;
}

export interface RunOptions {
  readonly warmUp: readonly Load[];
  readonly load: Load;
  readonly partitions: number;
  /** @default "none" */
  readonly compression?: CompressionAlgorithmValue;
  /** How many processes of the engine share the partitions, and on which cores. @default one, on core 1 */
  readonly workers?: readonly { readonly cores: string }[];
}

export class KafkaRig {
  readonly folder = mkdtempSync(join(tmpdir(), "velostream-bench-"));
  readonly #broker: RunningBroker;
  readonly #classPath: string;
  #runs = 0;

  private constructor(broker: RunningBroker, classPath: string) {
    this.#broker = broker;
    this.#classPath = classPath;
  }

  static async start(): Promise<KafkaRig> {
    const classPath = buildKafkaStreamsPeer();
    const broker = await startBroker({ heapMb: 1024, settings: { "log.retention.ms": "-1" } });
    pin(broker.pid(1), String(BROKER_CORE));
    return new KafkaRig(broker, classPath);
  }

  get broker(): string {
    return this.#broker.brokers[0] ?? "";
  }

  get classPath(): string {
    return this.#classPath;
  }

  async stop(): Promise<void> {
    await this.#broker.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async run(engine: Engine, options: RunOptions): Promise<Measured> {
    this.#runs += 1;
    const raw = `raw-${this.#runs}`;
    const totals = `totals-${this.#runs}`;
    const group = `bench-${process.pid}-${this.#runs}`;
    const { broker, folder } = this;
    const {
      load,
      warmUp,
      partitions,
      compression = "none",
      workers = [{ cores: String(WORKER_CORE) }],
    } = options;
    const log = this.openLog();
    const spec = { partitions, replicationFactor: 1, cleanupPolicy: "compact" as const };
    await log.createTopics([raw, totals].map((topic) => ({ topic, ...spec })));
    // A broker says that a topic is made before its own metadata says that it is there.
    for (const topic of [raw, totals])
      while ((await log.partitionCount(topic)) === null) await systemClock.sleep(50);
    const reading = new TotalsReader(log, totals);
    const command = engine.command({ broker, raw, totals, group, folder, classPath: this.#classPath });
    const children = workers.map(({ cores }) =>
      spawn("taskset", ["-c", cores, ...command], {
        stdio: ["ignore", "ignore", "inherit"],
      }),
    );
    const died = Promise.race(
      children.map(async (child) => {
        const [code] = (await once(child, "exit")) as [number | null];
        throw new Error(`${engine.name} ended (${code})`);
      }),
    );
    died.catch(() => {});
    try {
      for (const step of warmUp) {
        const written = await write(this.#classPath, broker, raw, step, compression);
        await written.commit();
        await Promise.race([reading.until(step.expected), died]);
      }
      const written = await write(this.#classPath, broker, raw, load, compression);
      const cpuBefore = cpuOf(children);
      const brokerBefore = cpuMsOf(this.#broker.pid(1));
      const outputsBefore = reading.records;
      const startMs = await written.commit();
      const endMs = await Promise.race([reading.until(load.expected), died]);
      return {
        wallMs: (endMs ?? NaN) - startMs,
        cpuMs: cpuOf(children) - cpuBefore,
        brokerCpuMs: cpuMsOf(this.#broker.pid(1)) - brokerBefore,
        outputs: reading.records - outputsBefore,
        residentMiB: children.reduce(
          (sum, child) => sum + Math.round(residentBytesOf(child.pid) / 2 ** 20),
          0,
        ),
      };
    } finally {
      for (const child of children) child.kill("SIGKILL");
      reading.stop();
      await log.close();
      await this.#deleteTopics();
    }
  }

  openLog(): KafkaLog {
    return new KafkaLog({
      access: { brokers: [this.broker], clientId: "bench", tls: null, sasl: null },
      clock: systemClock,
      logger: SILENT,
      metrics: { count() {}, set() {}, observe() {}, forget() {} },
    });
  }

  /** Everything but Kafka's own topics: a run leaves half a gigabyte. */
  async #deleteTopics(): Promise<void> {
    const admin = new Admin({ clientId: "bench", bootstrapBrokers: [this.broker] });
    try {
      const topics = (await admin.listTopics()).filter((topic) => !topic.startsWith("__"));
      if (topics.length > 0) await admin.deleteTopics({ topics });
    } finally {
      await admin.close();
    }
  }
}

/** Follows the totals topic and says when it holds what was expected. */
class TotalsReader {
  records = 0;
  readonly #table: Table = new Map();
  readonly #stop = new AbortController();
  #changed: () => void = () => {};
  #lastMs = 0;

  constructor(log: KafkaLog, topic: string) {
    void this.#follow(log, topic);
  }

  async #follow(log: KafkaLog, topic: string): Promise<void> {
    for await (const batch of log.read({ topics: [topic], from: "earliest", signal: this.#stop.signal })) {
      for (const { key, value } of batch.records) {
        this.records += 1;
        if (value === null) this.#table.delete(key ?? "");
        else this.#table.set(key ?? "", comparable(JSON.parse(value.toString()) as Record<string, unknown>));
      }
      this.#lastMs = Date.now();
      this.#changed();
    }
  }

  /** Resolves with the epoch ms at which the table became `expected`. */
  async until(expected: Table): Promise<number> {
    const deadlineMs = Date.now() + LIMIT_MS;
    for (;;) {
      if (
        expected.size === this.#table.size &&
        [...expected].every(([key, totals]) => this.#table.get(key) === totals)
      )
        return this.#lastMs;
      if (Date.now() > deadlineMs) throw new Error(this.#difference(expected));
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000);
        this.#changed = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  stop(): void {
    this.#stop.abort();
  }

  #difference(expected: Table): string {
    const wrong = [...expected].filter(([key, totals]) => this.#table.get(key) !== totals);
    const [key, totals] = wrong[0] ?? ["", ""];
    return `${wrong.length} of ${expected.size} areas are not as expected, e.g. ${key}: ${this.#table.get(key)} instead of ${totals}`;
  }
}

function pin(pid: number | null, cores: string): void {
  spawnSync("taskset", ["-a", "-c", "-p", cores, String(pid)], { stdio: "ignore" });
}

function cpuOf(children: readonly ChildProcess[]): number {
  return children.reduce((sum, child) => sum + cpuMsOf(child.pid ?? null), 0);
}
