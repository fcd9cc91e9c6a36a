/**
 * One raw partition's writer: its outputs and its progress commit together, or not at all.
 *
 *   open (older writers fenced, their open transaction aborted) ──▶ commit ──▶ commit … ──▶ lost, never used again
 *
 * The transactional id names the partition, not the worker: whoever takes a partition over fences the one before,
 * at once, whatever that one still has under way (docs/decisions/0011).
 */
import { LogError } from "../../errors.ts";
import type { Clock, ProduceRecord } from "../../ports.ts";
import {
  type Batch,
  batchesOf,
  type Compression,
  type OnRefused,
  type ProducerIdentity,
  Sequences,
} from "./batches.ts";
import type { KafkaClient, Target } from "./client.ts";
import type { Connectivity } from "./connectivity.ts";
import { isFenced, isStaleCoordinator, needsRejoin } from "./errors.ts";
import type { Generation } from "./membership.ts";
import { sendHeads } from "./send-batches.ts";

/**
 * After this long the coordinator aborts a transaction whose worker died and was not replaced: until then
 * read-committed readers wait before it. Ours take milliseconds.
 */
const TRANSACTION_TIMEOUT_MS = 15_000;
/** A topic that is missing may be about to be made; then what may be left out is. */
const MISSING_PATIENCE_MS = 4_000;
/** We stop trying before the coordinator does. */
const COMMIT_PATIENCE_MS = 10_000;

export interface TransactionOptions {
  readonly client: KafkaClient;
  readonly connectivity: Connectivity;
  readonly role: string;
  readonly transactionalId: string;
  readonly compression: Compression;
  readonly clock: Pick<Clock, "now">;
}

/** The position that is committed. */
export interface Consumed {
  readonly topic: string;
  readonly partition: number;
  readonly nextOffset: number;
  /** Kept beside it (position-note.ts). */
  readonly note?: string;
}

/** What is written instead of a record that Kafka will never take; null: nothing. */
export type Replace = (record: ProduceRecord, why: string) => ProduceRecord | null;

export class PartitionTransactions {
  readonly #options: TransactionOptions;
  readonly #coordinator: Target;
  readonly #sequences = new Sequences();
  #identity: Required<ProducerIdentity>;

  private constructor(options: TransactionOptions, identity: Required<ProducerIdentity>) {
    this.#options = options;
    this.#coordinator = { kind: "transaction", key: options.transactionalId };
    this.#identity = identity;
  }

  /** Fences every older writer of the partition; what it left open is aborted when this resolves. */
  static async open(options: TransactionOptions, signal: AbortSignal): Promise<PartitionTransactions> {
    const { client, connectivity, role, transactionalId } = options;
    const answer = await connectivity.persist(
      role,
      {
        what: `open transaction ${transactionalId}`,
        signal,
        onFailure: (error) => forgetIfStale(client, transactionalId, error),
      },
      // -1, -1: "whatever the last epoch was, give me the next" (the client would send 0, 0 by default).
      async () =>
        client.call(
          { kind: "transaction", key: transactionalId },
          "InitProducerId",
          transactionalId,
          TRANSACTION_TIMEOUT_MS,
          -1n,
          -1,
        ),
    );
    return new PartitionTransactions(options, {
      producerId: answer.producerId,
      producerEpoch: answer.producerEpoch,
      transactionalId,
      compression: options.compression,
    });
  }

  /**
   * Writes `outputs` and the consumed position in one transaction.
   * @throws when it is not known to be committed: this writer must not be used again, and state must be restored
   */
  async commit(
    outputs: readonly ProduceRecord[],
    consumed: Consumed,
    generation: Generation,
    replace: Replace = () => null,
  ): Promise<void> {
    const { client, transactionalId } = this.#options;
    const { producerId, producerEpoch } = this.#identity;
    const replacements: ProduceRecord[] = [];
    const onRefused: OnRefused = (record, why) => {
      const replacement = replace(record, why);
      if (replacement !== null) replacements.push(replacement);
    };
    await Promise.all([this.#write(outputs, onRefused), this.#commitOffset(consumed, generation)]);
    // What replaces a record is not replaced in turn.
    if (replacements.length > 0) await this.#write(replacements, (record, why) => void replace(record, why));
    await this.#step("commit", async () =>
      client.call(this.#coordinator, "EndTxn", transactionalId, producerId, producerEpoch, true),
    );
  }

  async #write(records: readonly ProduceRecord[], onRefused: OnRefused): Promise<void> {
    const { client, clock, transactionalId } = this.#options;
    const { producerId, producerEpoch } = this.#identity;
    const startedAtMs = clock.now();
    const waiting = await this.#step("find the partitions of", async () => {
      const nowMs = clock.now();
      return batchesOf(client, records, {
        nowMs,
        onRefused,
        skipMissing: nowMs - startedAtMs > MISSING_PATIENCE_MS,
      });
    });
    if (waiting.length === 0) return;
    const [topics, names] = [topicsOf(waiting), namesOf(waiting)];
    await this.#step(`add ${names} to`, async () =>
      client.call(this.#coordinator, "AddPartitionsToTxn", [
        { transactionalId, producerId, producerEpoch, verifyOnly: false, topics },
      ]),
    );
    const sent = { client, sequences: this.#sequences, identity: this.#identity, onRefused };
    while (waiting.length > 0)
      await this.#step(`write to ${names} in`, async () =>
        sendHeads(waiting, { ...sent, nowMs: clock.now() }),
      );
  }

  async #commitOffset(
    { topic, partition, nextOffset, note }: Consumed,
    { group, generationId, memberId, instanceId }: Generation,
  ): Promise<void> {
    const { client, transactionalId } = this.#options;
    const { producerId, producerEpoch } = this.#identity;
    await this.#step(`add the offsets of group ${group} to`, async () =>
      client.call(this.#coordinator, "AddOffsetsToTxn", transactionalId, producerId, producerEpoch, group),
    );
    await this.#step(
      `commit the offsets of group ${group} in`,
      async () =>
        client.call(
          { kind: "group", key: group },
          "TxnOffsetCommit",
          transactionalId,
          group,
          producerId,
          producerEpoch,
          // Refused when the group has moved on without us: a second fence beside the epoch.
          generationId,
          memberId,
          instanceId,
          [
            {
              name: topic,
              partitions: [
                {
                  partitionIndex: partition,
                  committedOffset: BigInt(nextOffset),
                  committedLeaderEpoch: -1,
                  committedMetadata: note ?? null,
                },
              ],
            },
          ],
        ),
      group,
    );
  }

  async #step<T>(name: string, attempt: () => Promise<T>, group?: string): Promise<T> {
    const { client, connectivity, role, transactionalId } = this.#options;
    return connectivity.persist(
      role,
      {
        what: `${name} transaction ${transactionalId}`,
        patienceMs: COMMIT_PATIENCE_MS,
        giveUp: (error) => isFenced(error) || needsRejoin(error),
        onFailure: (error) => {
          forgetIfStale(client, transactionalId, error);
          if (group !== undefined && isStaleCoordinator(error)) client.forgetCoordinator("group", group);
        },
      },
      attempt,
    );
  }
}

function forgetIfStale(client: KafkaClient, transactionalId: string, error: unknown): void {
  if (isStaleCoordinator(error)) client.forgetCoordinator("transaction", transactionalId);
}

/** For messages. */
function namesOf(batches: readonly Batch[]): string {
  return [...new Set(batches.map(({ topic }) => topic))].join(", ");
}

function topicsOf(batches: readonly Batch[]): { name: string; partitions: number[] }[] {
  return [...Map.groupBy(batches, (batch) => batch.topic)].map(([name, list]) => ({
    name,
    partitions: [...new Set(list.map((batch) => batch.partition))],
  }));
}

/** A transaction whose outcome is not known, or that someone else ended; anything else is final. */
export function isTransactionLost(error: unknown): boolean {
  return !(error instanceof LogError);
}
