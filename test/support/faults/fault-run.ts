/**
 * Kills collector, workers and brokers of a real pipeline, over and over, and asks the checker what came of it.
 *
 *   feed ──▶ collect ──▶ Kafka ◀──▶ aggregate ×3        kill -9, SIGSTOP beyond the session: any of them, any time
 *     └── frozen at the end ──▶ wait until the totals say its truth ──▶ checker, and an undisturbed run beside it
 */
import { setTimeout as delay } from "node:timers/promises";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import type { KafkaVersion } from "../../../infra/kafka/jars.ts";
import type { KafkaLog } from "../../../src/log/kafka/kafka-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { openLog, startTestBroker } from "../kafka.ts";
import { check, type CheckReport } from "./checker.ts";
import { ControlledFeed, seededRandom } from "./controlled-feed.ts";
import { recount } from "./recount.ts";
import { Victim } from "./victim.ts";

export interface FaultRunOptions {
  readonly kills: number;
  readonly seed: number;
  readonly nodes: 1 | 3;
  /** @default the newest */
  readonly version?: KafkaVersion;
  readonly stations: number;
  /** A broker is killed about this often; the other kills hit the processes as fast as they get to work. */
  readonly brokerEveryMs: number;
  /** How often a worker is stopped beyond its session and continued. */
  readonly pauses: number;
  readonly report: (line: string) => void;
  /** A Python with confluent-kafka: recounts all with librdkafka too (recount.py). @default not done */
  readonly python?: string | undefined;
}

export interface FaultReport extends CheckReport {
  readonly kills: { readonly worker: number; readonly collector: number; readonly broker: number };
  readonly pauses: number;
  readonly seconds: number;
  /** Final table of a worker that nobody disturbed, over the same raw topic. */
  readonly undisturbedTable: ReadonlyMap<string, string>;
  readonly truth: ReadonlyMap<string, string>;
}

const PARTITIONS = 6;
const WORKERS = 3;
const SESSION_MS = 2_000;
const COLLECTOR_AT_WORK = /run\.summary/;
const WORKER_AT_WORK = /aggregate\.assigned/;
/**
 * Only what never settles is wrong. Where other programs leave us a tenth of the processor, sessions of two seconds run
 * out again and again, partitions move before they are restored, and it takes minutes.
 */
const SETTLE_MS = 300_000;
const RAW = "velib-projet";
const TOTALS = "velib-projet-final-data";
const UNDISTURBED = "undisturbed-totals";

export async function faultRun(options: FaultRunOptions): Promise<FaultReport> {
  const { seed, nodes, report } = options;
  const startedAtMs = Date.now();
  const random = seededRandom(seed);
  const feed = new ControlledFeed(options.stations, seededRandom(seed + 1));
  const feedUrl = await feed.start();
  const broker = await startTestBroker({
    nodes,
    ...(options.version === undefined ? {} : { version: options.version }),
  });
  const victims: Victim[] = [];
  try {
    await makeTopics(broker);
    const brokers = ["--brokers", broker.brokers.join(","), "--log-level", "info"];
    const worker = [...brokers, "--session-timeout", `${SESSION_MS}ms`];
    const collector = new Victim(
      "collect",
      ["collect", ...brokers, "--feed", feedUrl, "--interval", "200ms"],
      COLLECTOR_AT_WORK,
    );
    const workers = Array.from(
      { length: WORKERS },
      (_, index) =>
        new Victim(
          `aggregate ${index + 1}`,
          [
            "aggregate",
            ...worker,
            // Two come back under their own name, one is a stranger every time.
            ...(index < 2 ? ["--member-id", `worker-${index + 1}`] : []),
          ],
          WORKER_AT_WORK,
        ),
    );
    victims.push(collector, ...workers);
    for (const victim of victims) victim.start();
    const faultsAtMs = Date.now();
    const faults = new Faults(options, random);
    await Promise.all([
      faults.onProcess("collector", collector),
      ...workers.map(async (each) => faults.onProcess("worker", each)),
      faults.onBroker(broker),
    ]);
    report(`killing took ${Math.round((Date.now() - faultsAtMs) / 1000)} s`);
    feed.freeze();
    const truth = feed.truth();
    await settled(broker, TOTALS, truth, victims);
    report(`settled after ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
    for (const victim of victims) await victim.stop();
    const undisturbedTable = await undisturbed(broker, worker, truth);
    const checked = await check(broker, RAW, TOTALS);
    const { python } = options;
    const recounted = python === undefined ? [] : recount(python, broker.brokers, RAW, TOTALS);
    if (python !== undefined) report(`recounted by librdkafka: ${recounted.length} problems`);
    return {
      ...checked,
      problems: [...checked.problems, ...recounted, ...victims.flatMap(({ problem }) => problem ?? [])],
      kills: faults.counts,
      pauses: faults.pauses,
      seconds: Math.round((Date.now() - startedAtMs) / 1000),
      undisturbedTable,
      truth,
    };
  } finally {
    for (const victim of victims) await victim.kill();
    await feed.stop();
    await broker.stop();
  }
}

async function makeTopics(broker: RunningBroker): Promise<void> {
  const log = openLog(broker.brokers);
  const specs = topicSpecs(
    { raw: RAW, totals: TOTALS, rejects: "velib-projet-rejects" },
    { partitions: PARTITIONS, replicationFactor: broker.brokers.length },
  );
  // The checker recounts from every record, so nothing may be compacted away meanwhile.
  const kept = specs.map((spec) => ({ ...spec, cleanupPolicy: "delete" as const }));
  await log.createTopics([
    ...kept,
    { topic: UNDISTURBED, partitions: PARTITIONS, replicationFactor: 1, cleanupPolicy: "delete" },
  ]);
  await log.close();
}

/** Everyone has a killer of their own, all at the same time, until there were enough kills. */
class Faults {
  readonly counts = { worker: 0, collector: 0, broker: 0 };
  pauses = 0;
  readonly #options: FaultRunOptions;
  readonly #random: () => number;

  constructor(options: FaultRunOptions, random: () => number) {
    this.#options = options;
    this.#random = random;
  }

  async onProcess(role: "worker" | "collector", victim: Victim): Promise<void> {
    while (this.#more()) {
      // Now and then one that is still starting.
      if (this.#random() > 0.1) await this.#untilAtWork(victim);
      // Any moment of its work: between polls, inside a transaction, in the middle of a restore.
      await delay(this.#random() * 1_200);
      if (role === "worker" && this.pauses < this.#options.pauses && this.#random() < 0.1) {
        this.pauses += 1;
        // Stopped for longer than its session, then continued: by then its partitions are someone else's.
        victim.signal("SIGSTOP");
        await delay(SESSION_MS * 1.5);
        victim.signal("SIGCONT");
        await delay(this.#random() * 500);
      }
      this.#count(role);
      await victim.kill();
      victim.start();
    }
  }

  async onBroker(broker: RunningBroker): Promise<void> {
    while (this.#more()) {
      const wait = this.#options.brokerEveryMs * (0.5 + this.#random());
      for (const until = Date.now() + wait; Date.now() < until && this.#more();) await delay(50);
      if (!this.#more()) return;
      this.#count("broker");
      const node = 1 + Math.floor(this.#random() * this.#options.nodes);
      await broker.kill(node);
      await delay(this.#random() * 1_000);
      await broker.restart(node);
    }
  }

  async #untilAtWork(victim: Victim): Promise<void> {
    while (this.#more() && !victim.atWork) await delay(20);
  }

  #more(): boolean {
    return this.#total() < this.#options.kills;
  }

  #total(): number {
    return this.counts.worker + this.counts.collector + this.counts.broker;
  }

  #count(role: "worker" | "collector" | "broker"): void {
    this.counts[role] += 1;
    if (this.#total() % 50 === 0)
      this.#options.report(`${this.#total()} kills: ${JSON.stringify(this.counts)}`);
  }
}

/** Waits until the totals are the truth; says what is missing when they never are. */
async function settled(
  broker: RunningBroker,
  topic: string,
  truth: ReadonlyMap<string, string>,
  victims: readonly Victim[],
): Promise<ReadonlyMap<string, string>> {
  const log = openLog(broker.brokers);
  const deadline = Date.now() + SETTLE_MS;
  try {
    for (;;) {
      const table = new Map<string, string>();
      for await (const { records } of log.read({ topics: [topic], from: "earliest", until: "end" }))
        for (const { key, value } of records) {
          const fields = JSON.parse(value?.toString() ?? "{}") as Record<string, unknown>;
          table.set(
            key ?? "",
            [fields["nbr_total"], fields["nbr_elec"], fields["nbr_meca"], fields["stations"]].join(","),
          );
        }
      const wrong = [...truth].filter(([area, sum]) => table.get(area) !== sum);
      if (wrong.length === 0 && table.size === truth.size) return table;
      if (Date.now() > deadline)
        throw new Error(
          `${topic} did not settle in ${SETTLE_MS / 1000} s: ${wrong.length} of ${truth.size} areas are not the feed's, e.g. ${wrong[0]?.join(" ")} but ${table.get(wrong[0]?.[0] ?? "") ?? "missing"}. ${await whereItStands(log, truth, victims)}`,
        );
      await delay(300);
    }
  } finally {
    await log.close();
  }
}

/** For whoever has to find out why: the last stage that is right, and what every process said last. */
async function whereItStands(
  log: KafkaLog,
  truth: ReadonlyMap<string, string>,
  victims: readonly Victim[],
): Promise<string> {
  const latest = new Map<string, RawStation>();
  for await (const { records } of log.read({ topics: [RAW], from: "earliest", until: "end" }))
    for (const { key, value } of records)
      if (value !== null) latest.set(key ?? "", JSON.parse(value.toString()) as RawStation);
  const sums = new Map<string, number>();
  for (const { postcode, nbr_total: bikes } of latest.values())
    sums.set(postcode, (sums.get(postcode) ?? 0) + bikes);
  const behind = [...truth].filter(([area, sum]) => Number(sum.split(",")[0]) !== sums.get(area));
  const lags = await log.groupLag("velostream-aggregate", RAW);
  return [
    `In ${RAW} itself ${behind.length} areas are not the feed's.`,
    `Lag: ${lags.map(({ partition, committedOffset, lagRecords }) => `${partition}: ${committedOffset}+${lagRecords}`).join(", ")}.`,
    ...victims.map(({ name, problem, said }) => problem ?? `${name} said last: ${said}`),
  ].join("\n");
}

interface RawStation {
  readonly postcode: string;
  readonly nbr_total: number;
}

async function undisturbed(
  broker: RunningBroker,
  worker: readonly string[],
  truth: ReadonlyMap<string, string>,
): Promise<ReadonlyMap<string, string>> {
  const alone = new Victim(
    "undisturbed",
    ["aggregate", ...worker, "--group", "undisturbed", "--totals-topic", UNDISTURBED],
    WORKER_AT_WORK,
  );
  alone.start();
  try {
    return await settled(broker, UNDISTURBED, truth, [alone]);
  } finally {
    await alone.stop();
  }
}
