/**
 * Records on their way to the brokers: which partition, which batch, which sequence number.
 * A batch that was sent once is sent again unchanged until it is acknowledged, so that the broker can tell.
 */
import { NetworkError, NumericMap, type produceV9 } from "@platformatic/kafka";
import { LogError } from "../../errors.ts";
import { partitionOf } from "../../domain/partitioning.ts";
import type { ProduceRecord } from "../../ports.ts";
import type { KafkaClient } from "./client.ts";
import { responseOf } from "./errors.ts";

/** Kafka's default message.max.bytes is 1 MiB, counted after compression; we count before, and stay below. */
const MAX_BATCH_BYTES = 900_000;
const MAX_BATCH_RECORDS = 10_000;
/** All in-sync replicas. */
const ACKS_ALL = -1;
/** How long the leader waits for its followers. */
const REPLICATION_TIMEOUT_MS = 10_000;
/** A record's own bytes beside key, value and headers, at most. */
const RECORD_OVERHEAD_BYTES = 70;

interface WireRecord {
  topic: string;
  partition: number;
  key?: Buffer;
  value: Buffer;
  headers?: Map<Buffer, Buffer>;
  timestamp?: bigint;
}

export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: WireRecord[];
  /** Given when first sent. */
  sequence: number | null;
}

/** How batches are compressed (docs/decisions/0013-compression.md). */
export type Compression = "none" | "gzip" | "lz4" | "zstd";

/** Who writes, and how. */
export interface ProducerIdentity {
  readonly compression: Compression;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly transactionalId?: string;
}

/**
 * Splits records into batches, in order per partition.
 * @throws LogError when a topic does not exist (after the caller's patience) or a partition is out of range
 */
export async function batchesOf(client: KafkaClient, records: readonly ProduceRecord[]): Promise<Batch[]> {
  const counts = new Map<string, number>();
  const open = new Map<string, { batch: Batch; bytes: number }>();
  const batches: Batch[] = [];
  for (const record of records) {
    let count = counts.get(record.topic);
    if (count === undefined) {
      const metadata = await client.topic(record.topic);
      if (metadata === null) throw new NetworkError(`Unknown topic ${record.topic}.`);
      count = metadata.partitionCount;
      counts.set(record.topic, count);
    }
    const partition = record.partition ?? partitionOf(record.partitionKey ?? "", count);
    if (partition >= count)
      throw new LogError(
        "VELOSTREAM_LOG_REFUSED",
        `Topic ${record.topic} has ${count} partitions, a record is meant for number ${partition}. Check the topic.`,
      );
    const wire = toWire(record, partition);
    const bytes = sizeOf(wire);
    const key = `${record.topic}:${partition}`;
    let current = open.get(key);
    if (
      current === undefined ||
      current.bytes + bytes > MAX_BATCH_BYTES ||
      tooFarApart(current.batch.records[0], wire) ||
      current.batch.records.length >= MAX_BATCH_RECORDS
    ) {
      current = { batch: { topic: record.topic, partition, records: [], sequence: null }, bytes: 0 };
      open.set(key, current);
      batches.push(current.batch);
    }
    current.batch.records.push(wire);
    current.bytes += bytes;
  }
  return batches;
}

/** The client's encoder errs where a record's time is 2^31 ms (25 days) or more from that of its batch's first. */
function tooFarApart(first: WireRecord | undefined, wire: WireRecord): boolean {
  const apartMs = Number((wire.timestamp ?? 0n) - (first?.timestamp ?? wire.timestamp ?? 0n));
  return Math.abs(apartMs) >= 2 ** 31;
}

function toWire(record: ProduceRecord, partition: number): WireRecord {
  const value = typeof record.value === "string" ? Buffer.from(record.value) : record.value;
  const wire: WireRecord = {
    topic: record.topic,
    partition,
    // The client's types know no null, its encoder writes it as Kafka's null: a tombstone.
    value: value as Buffer,
    timestamp: BigInt(record.timestampMs ?? Date.now()),
  };
  if (record.key !== null) wire.key = Buffer.from(record.key);
  if (record.headers !== undefined)
    wire.headers = new Map(
      Object.entries(record.headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const),
    );
  return wire;
}

function sizeOf(record: WireRecord): number {
  let bytes = RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
  if (record.headers !== undefined)
    for (const [name, text] of record.headers) bytes += name.length + text.length + 10;
  return bytes;
}

/** Next sequence number per partition of one producer id and epoch. */
export class Sequences {
  readonly #next = new Map<string, number>();

  /** A batch keeps the number it was given. */
  number(batch: Batch): number {
    if (batch.sequence === null) {
      const key = `${batch.topic}:${batch.partition}`;
      const sequence = this.#next.get(key) ?? 0;
      batch.sequence = sequence;
      // 32 bits without sign, wrapping to 0 (Kafka's DefaultRecordBatch.incrementSequence).
      this.#next.set(key, Number((BigInt(sequence) + BigInt(batch.records.length)) % 2_147_483_648n));
    }
    return batch.sequence;
  }
}

/** Acknowledged batches, with the offset after their last record (0 when the broker did not say). */
export type Acknowledged = ReadonlyMap<Batch, number>;

/**
 * Sends the first waiting batch of each partition to its leader, once, and takes those acknowledged out of `waiting`;
 * one that is too large for its topic waits on in two halves. Throws when nothing came of it, with the leaders asked
 * for anew.
 */
export async function sendHeads(
  client: KafkaClient,
  waiting: Batch[],
  sequences: Sequences,
  identity: ProducerIdentity,
): Promise<Acknowledged> {
  const batches = heads(waiting);
  const byLeader = new Map<number, Batch[]>();
  for (const batch of batches) {
    const leader = (await client.topic(batch.topic))?.leaders[batch.partition] ?? -1;
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch]);
  }
  const acknowledged = new Map<Batch, number>();
  let halved = false;
  let failure: unknown = null;
  await Promise.all(
    [...byLeader].map(async ([leader, list]) => {
      try {
        const sent = await sendToLeader(client, leader, list, sequences, identity);
        for (const [batch, endOffset] of sent.done) {
          acknowledged.set(batch, endOffset);
          waiting.splice(waiting.indexOf(batch), 1);
        }
        for (const batch of sent.tooLarge) waiting.splice(waiting.indexOf(batch), 1, ...halves(batch));
        halved ||= sent.tooLarge.length > 0;
        failure ??= sent.error;
      } catch (error) {
        failure ??= error;
      }
    }),
  );
  if (failure !== null) {
    for (const topic of new Set(batches.map((batch) => batch.topic)))
      await client.topic(topic, true).catch(() => null);
    // What was written is written; the caller sends the rest again and then sees what is wrong with it.
    if (acknowledged.size === 0 && !halved) throw failure;
  }
  return acknowledged;
}

/** The first waiting batch of each partition: at most one is under way, so that order holds whatever fails. */
function heads(batches: readonly Batch[]): Batch[] {
  return [...Map.groupBy(batches, (batch) => `${batch.topic}:${batch.partition}`).values()].flatMap((list) =>
    list.slice(0, 1),
  );
}

/** A refused batch has used up none of its sequence numbers: its halves share them. */
function halves(batch: Batch): [Batch, Batch] {
  const middle = Math.ceil(batch.records.length / 2);
  const { sequence } = batch;
  return [
    { ...batch, records: batch.records.slice(0, middle) },
    {
      ...batch,
      records: batch.records.slice(middle),
      sequence: sequence === null ? null : (sequence + middle) % 2 ** 31,
    },
  ];
}

interface Sent {
  readonly done: Acknowledged;
  readonly tooLarge: readonly Batch[];
  /** Of the others, if there are any. */
  readonly error: unknown;
}

async function sendToLeader(
  client: KafkaClient,
  leader: number,
  batches: readonly Batch[],
  sequences: Sequences,
  identity: ProducerIdentity,
): Promise<Sent> {
  const numbers = new NumericMap();
  for (const batch of batches) numbers.set(`${batch.topic}:${batch.partition}`, sequences.number(batch));
  try {
    const answer = await client.call(
      { kind: "node", id: leader },
      "Produce",
      ACKS_ALL,
      REPLICATION_TIMEOUT_MS,
      batches.flatMap((batch) => batch.records),
      { ...identity, sequences: numbers },
    );
    return { done: acknowledgedIn(answer, batches), tooLarge: [], error: null };
  } catch (error) {
    const answer = responseOf(error) as produceV9.ProduceResponse | undefined;
    if (answer?.responses === undefined) throw error;
    const done = acknowledgedIn(answer, batches);
    const tooLarge = tooLargeIn(answer, batches);
    return { done, tooLarge, error: done.size + tooLarge.length === batches.length ? null : error };
  }
}

/**
 * Batches over the topic's max.message.bytes (which counts them compressed), or over its segment's size, that can be
 * made smaller: a record that is too large by itself is an error.
 */
function tooLargeIn(answer: produceV9.ProduceResponse, batches: readonly Batch[]): Batch[] {
  const parts = partsOf(answer);
  return batches.filter((batch) => {
    const code = parts.get(`${batch.topic}:${batch.partition}`)?.errorCode;
    return batch.records.length > 1 && (code === MESSAGE_TOO_LARGE || code === RECORD_LIST_TOO_LARGE);
  });
}

function partsOf(
  answer: produceV9.ProduceResponse,
): ReadonlyMap<string, produceV9.ProduceResponse["responses"][number]["partitionResponses"][number]> {
  return new Map(
    answer.responses.flatMap((topic) =>
      topic.partitionResponses.map((part) => [`${topic.name}:${part.index}`, part] as const),
    ),
  );
}

function acknowledgedIn(answer: produceV9.ProduceResponse, batches: readonly Batch[]): Map<Batch, number> {
  const parts = partsOf(answer);
  const done = new Map<Batch, number>();
  for (const batch of batches) {
    const part = parts.get(`${batch.topic}:${batch.partition}`);
    // A duplicate was written by an earlier try whose answer was lost.
    if (part?.errorCode === 0 || part?.errorCode === DUPLICATE_SEQUENCE_NUMBER)
      done.set(batch, part.baseOffset < 0n ? 0 : Number(part.baseOffset) + batch.records.length);
  }
  return done;
}

const MESSAGE_TOO_LARGE = 10;
const RECORD_LIST_TOO_LARGE = 18;
const DUPLICATE_SEQUENCE_NUMBER = 46;
