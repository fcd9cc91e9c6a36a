/** The log on Kafka (ports.ts, Log): wires clients, producer, reader and workers; owns what is open. */
import type {
  Clock,
  Log,
  Logger,
  LogHealth,
  LogProducer,
  LogRecord,
  Metrics,
  ProcessHandle,
  ProcessOptions,
  Processor,
  ReadBatch,
  ReadOptions,
  TopicReport,
  TopicSpec,
} from "../../ports.ts";
import type { KafkaAccess } from "./access.ts";
import type { Compression } from "./batches.ts";
import { KafkaClient } from "./client.ts";
import { committedPosition } from "./committed-position.ts";
import { Connectivity } from "./connectivity.ts";
import { isRetriable } from "./errors.ts";
import { lastRecords } from "../last-records.ts";
import { membershipTimes, type MembershipTimes } from "./membership-times.ts";
import { endOffsets, startOffsets } from "./offsets.ts";
import { KafkaProducer } from "./producer.ts";
import { readTopics } from "./reader.ts";
import { createTopics, describeTopics, groupMembers, type TopicState, unavailable } from "./topics.ts";
import { Worker } from "./worker.ts";

/** A stage that starts while the broker does waits for it; then it is for whoever supervises us. */
const ADMIN_PATIENCE_MS = 30_000;
/** A worker that died is replaced after this long; a hiccup of the network is not a death. */
const SESSION_TIMEOUT_MS = 10_000;
/** Beyond the rebalance timeout: the answer to a join is late by design. */
const JOIN_MARGIN_MS = 15_000;

/** What every common client reads without extras. */
const DEFAULT_COMPRESSION: Compression = "gzip";

export interface KafkaLogOptions {
  readonly access: KafkaAccess;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Of what is written. @default "gzip" */
  readonly compression?: Compression;
  /** How long making and describing topics waits for a broker, ms. @default 30 000 */
  readonly adminPatienceMs?: number;
  /** Times of the group protocol. @default those of a session of ten seconds */
  readonly times?: MembershipTimes;
}

/** How far a group is in one partition. */
export interface GroupLag {
  readonly partition: number;
  /** null where it never committed. */
  readonly committedOffset: number | null;
  readonly lagRecords: number;
}

export class KafkaLog implements Log {
  readonly kind = "kafka";
  readonly #options: KafkaLogOptions;
  readonly #connectivity: Connectivity;
  /** Metadata only. */
  readonly #client: KafkaClient;
  readonly #producers = new Set<KafkaProducer>();
  readonly #workers = new Set<Worker>();
  /** Ends of partitions by our own producers' acknowledgements: a worker of this process knows its lag at once. */
  readonly #ends = new Map<string, number>();
  readonly #partitionCounts = new Map<string, number>();
  #roles = 0;

  constructor(options: KafkaLogOptions) {
    const { access, clock, logger } = options;
    this.#options = options;
    this.#connectivity = new Connectivity({ clock, logger, brokers: access.brokers });
    this.#client = new KafkaClient(access);
  }

  async createTopics(specs: readonly TopicSpec[]): Promise<readonly TopicReport[]> {
    return createTopics(
      this.#options.access,
      this.#client,
      this.#connectivity,
      specs,
      this.#options.adminPatienceMs ?? ADMIN_PATIENCE_MS,
    );
  }

  /** The topics as they are, beside what is wanted. */
  async describeTopics(specs: readonly TopicSpec[]): Promise<readonly TopicState[]> {
    return describeTopics(
      this.#options.access,
      this.#client,
      this.#connectivity,
      specs,
      this.#options.adminPatienceMs ?? ADMIN_PATIENCE_MS,
    );
  }

  /**
   * At most five seconds old, so that a count raised by hand is noticed. While Kafka is away, the last one known:
   * whoever asks wants to go on with what there is.
   */
  async partitionCount(topic: string): Promise<number | null> {
    try {
      const metadata = await this.#connectivity.persist(
        "metadata",
        {
          what: `look up ${topic}`,
          patienceMs: this.#options.adminPatienceMs ?? ADMIN_PATIENCE_MS,
          giveUp: () => this.#partitionCounts.has(topic),
        },
        async () => this.#client.topic(topic),
      );
      if (metadata === null) this.#partitionCounts.delete(topic);
      else this.#partitionCounts.set(topic, metadata.partitionCount);
      return metadata?.partitionCount ?? null;
    } catch (error) {
      const known = this.#partitionCounts.get(topic);
      if (known !== undefined && isRetriable(error)) return known;
      throw unavailable(error, this.#options.access);
    } finally {
      this.#connectivity.forget("metadata");
    }
  }

  async lastRecords(topic: string): Promise<readonly LogRecord[]> {
    const patienceMs = this.#options.adminPatienceMs ?? ADMIN_PATIENCE_MS;
    const role = this.#role("last");
    const [starts, ends] = await this.#connectivity
      .persist(role, { what: `read ${topic}`, patienceMs }, async () =>
        Promise.all([startOffsets(this.#client, topic), endOffsets(this.#client, topic)]),
      )
      .catch((error: unknown) => {
        throw unavailable(error, this.#options.access);
      })
      .finally(() => this.#connectivity.forget(role));
    const offsets = new Map(
      [...ends].map(([partition, end]) => [partition, { start: starts.get(partition) ?? 0, end }] as const),
    );
    return lastRecords(topic, offsets, (options) => this.read(options));
  }

  /** Members of a group now; null where that may not be read. */
  async groupMembers(group: string): Promise<number | null> {
    const patienceMs = this.#options.adminPatienceMs ?? ADMIN_PATIENCE_MS;
    const { access } = this.#options;
    return groupMembers(
      { access, client: this.#client, connectivity: this.#connectivity, patienceMs },
      group,
    );
  }

  /** How far a group is behind in each partition of a topic, member or not. */
  async groupLag(group: string, topic: string): Promise<readonly GroupLag[]> {
    const patienceMs = this.#options.adminPatienceMs ?? ADMIN_PATIENCE_MS;
    const ends = await this.#connectivity.persist("lag", { what: `look at ${topic}`, patienceMs }, async () =>
      endOffsets(this.#client, topic),
    );
    return Promise.all(
      [...ends].map(async ([partition, end]) => {
        const at = { group, topic, partition };
        const wait = { patienceMs };
        const position = await committedPosition(this.#client, this.#connectivity, "lag", at, wait);
        const committedOffset = position?.offset ?? null;
        return { partition, committedOffset, lagRecords: Math.max(0, end - (committedOffset ?? 0)) };
      }),
    );
  }

  // oxlint-disable-next-line typescript/require-await -- the port's producers may need a connection first
  async producer(): Promise<LogProducer> {
    const { clock, logger, metrics } = this.#options;
    const producer = new KafkaProducer({
      client: this.#newClient(),
      connectivity: this.#connectivity,
      clock,
      logger,
      metrics,
      role: this.#role("producer"),
      compression: this.#options.compression ?? DEFAULT_COMPRESSION,
      ends: this.#ends,
    });
    this.#producers.add(producer);
    return producer;
  }

  read(options: ReadOptions): AsyncIterable<ReadBatch> {
    const { clock, logger } = this.#options;
    return readTopics(
      {
        client: this.#newClient(),
        connectivity: this.#connectivity,
        clock,
        logger,
        role: this.#role("reader"),
      },
      options,
    );
  }

  // oxlint-disable-next-line typescript/require-await -- the member joins on its own; `done` says how it went
  async process(options: ProcessOptions, processor: Processor): Promise<ProcessHandle> {
    const { access, clock, logger, metrics } = this.#options;
    const times = this.#options.times ?? membershipTimes(SESSION_TIMEOUT_MS);
    const worker = new Worker(
      {
        clients: {
          data: this.#newClient(),
          fetch: this.#newClient(),
          join: new KafkaClient(access, { requestTimeoutMs: times.rebalanceTimeoutMs + JOIN_MARGIN_MS }),
        },
        restoreClient: () => this.#newClient(),
        connectivity: this.#connectivity,
        clock,
        logger,
        role: this.#role("worker"),
        compression: this.#options.compression ?? DEFAULT_COMPRESSION,
        times,
        metrics,
        ends: this.#ends,
      },
      options,
      processor,
    );
    this.#workers.add(worker);
    void worker.done.catch(() => {}).finally(() => this.#workers.delete(worker));
    return worker;
  }

  health(): LogHealth {
    return this.#connectivity.health();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#workers].map(async (worker) => worker.stop().catch(() => {})));
    await Promise.all([...this.#producers].map(async (producer) => producer.close()));
    await this.#client.close();
  }

  #newClient(): KafkaClient {
    return new KafkaClient(this.#options.access);
  }

  #role(kind: string): string {
    this.#roles += 1;
    return `${kind} ${this.#roles}`;
  }
}
