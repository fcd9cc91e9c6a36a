/**
 * The idempotent producer: what it acknowledges is in all in-sync replicas, once, in order per partition.
 *
 *   publish ──▶ queue ──linger──▶ one request per leader in flight ──ack──▶ resolved
 *                                    └── any passing error: the same batches again, for ever
 */
import type { Clock, Logger, LogProducer, Metrics, ProduceRecord } from "../../ports.ts";
import { LogError } from "../../errors.ts";
import { type Batch, batchesOf, type Compression, type ProducerIdentity, Sequences } from "./batches.ts";
import type { KafkaClient } from "./client.ts";
import type { Connectivity } from "./connectivity.ts";
import { hasKafkaError } from "./errors.ts";
import { tellRefused } from "./refused-records.ts";
import { sendHeads } from "./send-batches.ts";

/** Gathers what is published at about the same time into one request. */
const LINGER_MS = 2;
/** A topic that is missing may be about to be made; then what may be left out is. */
const MISSING_PATIENCE_MS = 5_000;
/** Unused without a transactional id. */
const NO_TRANSACTION_TIMEOUT_MS = 60_000;

interface Publish {
  readonly records: readonly ProduceRecord[];
  readonly signal: AbortSignal | undefined;
  readonly onRefused: ((record: ProduceRecord, why: string) => void) | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface ProducerOptions {
  readonly client: KafkaClient;
  readonly connectivity: Connectivity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly role: string;
  readonly compression: Compression;
  /** Told the end of each partition written to, by `topic:partition`. */
  readonly ends: Map<string, number>;
}

export class KafkaProducer implements LogProducer {
  readonly #options: ProducerOptions;
  readonly #queue: Publish[] = [];
  #identity: ProducerIdentity | null = null;
  #sequences = new Sequences();
  #sending: Promise<void> | null = null;
  #closed = false;

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  async publish(
    records: readonly ProduceRecord[],
    signal?: AbortSignal,
    onRefused?: (record: ProduceRecord, why: string) => void,
  ): Promise<void> {
    if (this.#closed)
      throw new LogError("VELOSTREAM_LOG_UNAVAILABLE", "This producer is closed. Open another.");
    if (records.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ records, signal, onRefused, resolve, reject });
      this.#sending ??= this.#send();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#sending;
    this.#options.connectivity.forget(this.#options.role);
    await this.#options.client.close();
  }

  async #send(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        await this.#options.clock.sleep(LINGER_MS);
        // One signal rules one request: publishes without or with the same one share it.
        const first = this.#queue[0];
        const together: Publish[] = [];
        while (this.#queue[0] !== undefined && this.#queue[0].signal === first?.signal)
          together.push(this.#queue.shift() as Publish);
        try {
          await this.#write(together, first?.signal);
          for (const publish of together) publish.resolve();
        } catch (error) {
          // A part may be written, and a retry of it would be the same to its readers: they keep the newest.
          this.#renew();
          for (const publish of together) publish.reject(error);
        }
      }
    } finally {
      this.#sending = null;
    }
  }

  async #write(publishes: readonly Publish[], signal: AbortSignal | undefined): Promise<void> {
    const { client, connectivity, clock, role } = this.#options;
    const records = publishes.flatMap((publish) => publish.records);
    const what = `publish to ${[...new Set(records.map((record) => record.topic))].join(", ")}`;
    const owners = new Map(
      publishes.flatMap((publish) => publish.records.map((record) => [record, publish] as const)),
    );
    const onRefused = (record: ProduceRecord, why: string): void =>
      tellRefused(this.#options, record, why, owners.get(record)?.onRefused);
    const startedAtMs = clock.now();
    const waiting = await connectivity.persist(role, { what, signal }, async () => {
      const nowMs = clock.now();
      const skipMissing = nowMs - startedAtMs > MISSING_PATIENCE_MS;
      return batchesOf(client, records, { nowMs, onRefused, skipMissing });
    });
    while (waiting.length > 0) {
      await connectivity.persist(
        role,
        { what, signal, mend: isForgotten, onFailure: (error) => this.#recover(error, waiting) },
        async () => {
          const identity = await this.#identify();
          const sequences = this.#sequences;
          const sent = { client, sequences, identity, nowMs: clock.now(), onRefused };
          for (const [batch, endOffset] of await sendHeads(waiting, sent))
            this.#options.ends.set(`${batch.topic}:${batch.partition}`, endOffset);
        },
      );
    }
  }

  async #identify(): Promise<ProducerIdentity> {
    if (this.#identity === null) {
      // -1, -1: a new producer id (the client would send 0, 0 by default).
      const answer = await this.#options.client.call(
        { kind: "any" },
        "InitProducerId",
        null,
        NO_TRANSACTION_TIMEOUT_MS,
        -1n,
        -1,
      );
      const { producerId, producerEpoch } = answer;
      this.#identity = { producerId, producerEpoch, compression: this.#options.compression };
      this.#sequences = new Sequences();
    }
    return this.#identity;
  }

  /** The broker has forgotten this producer id (its records were deleted, or it expired): go on with another. */
  #recover(error: unknown, waiting: readonly Batch[]): void {
    if (!isForgotten(error)) return;
    this.#renew();
    for (const batch of waiting) batch.sequence = null;
  }

  #renew(): void {
    this.#identity = null;
  }
}

function isForgotten(error: unknown): boolean {
  return hasKafkaError(
    error,
    "UNKNOWN_PRODUCER_ID",
    "OUT_OF_ORDER_SEQUENCE_NUMBER",
    "INVALID_PRODUCER_EPOCH",
    "INVALID_PRODUCER_ID_MAPPING",
  );
}
