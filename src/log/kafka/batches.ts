/**
 * Records on their way to the brokers: which partition, which batch, which sequence number.
 * A batch that was sent once is sent again unchanged until it is acknowledged, so that the broker can tell.
 */
import { partitionOf } from "../../record/partitioning.ts";
import type { ProduceRecord } from "../../ports.ts";
import type { KafkaClient } from "./client.ts";
import { UnknownTopic } from "./errors.ts";

/** Kafka's default message.max.bytes is 1 MiB, counted after compression; we count before, and stay below. */
const MAX_BATCH_BYTES = 900_000;
const MAX_BATCH_RECORDS = 10_000;
/** A record's own bytes beside key, value and headers, at most. */
const RECORD_OVERHEAD_BYTES = 70;

export interface WireRecord {
  /** What it was made of. */
  source: ProduceRecord;
  topic: string;
  partition: number;
  key?: Buffer;
  value: Buffer;
  headers?: Map<Buffer, Buffer>;
  timestamp: bigint;
  /** The time is not its own any more: the broker refused that one. */
  restamped: boolean;
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

/** Told of a record that the log does not take, and why; it throws where that must not be. */
export type OnRefused = (record: ProduceRecord, why: string) => void;

export interface BatchOptions {
  /** For records without a time of their own. */
  readonly nowMs: number;
  readonly onRefused: OnRefused;
  /** Nobody makes the topics that are missing, it seems: records that may be left out are. @default false */
  readonly skipMissing?: boolean;
}

/**
 * Splits records into batches, in order per partition.
 * @throws UnknownTopic when a topic does not exist
 */
export async function batchesOf(
  client: KafkaClient,
  records: readonly ProduceRecord[],
  { nowMs, onRefused, skipMissing = false }: BatchOptions,
): Promise<Batch[]> {
  const counts = new Map<string, number>();
  const byPartition = new Map<string, WireRecord[]>();
  // Told of at the end: this may be tried again.
  const refused: (readonly [ProduceRecord, string])[] = [];
  for (const record of records) {
    const { topic } = record;
    let count = counts.get(topic) ?? (await client.topic(topic))?.partitionCount;
    if (count === undefined) {
      if (!skipMissing || record.expendable !== true) throw new UnknownTopic(topic);
      refused.push([record, `topic ${topic} does not exist`]);
      continue;
    }
    // Asked for again: what we know may be five seconds old, and the topic have more partitions since.
    if ((record.partition ?? 0) >= count && !counts.has(topic))
      count = (await client.topic(topic, true))?.partitionCount ?? count;
    counts.set(topic, count);
    const partition = record.partition ?? partitionOf(record.partitionKey ?? "", count);
    if (partition >= count) {
      refused.push([record, `topic ${topic} has no partition ${partition}`]);
      continue;
    }
    const key = `${topic}:${partition}`;
    const list = byPartition.get(key);
    const wire = toWire(record, partition, nowMs);
    if (list === undefined) byPartition.set(key, [wire]);
    else list.push(wire);
  }
  for (const [record, why] of refused) onRefused(record, why);
  return [...byPartition.values()].flatMap(cut);
}

/** Records of one partition, in batches that a broker takes by default. */
export function cut(records: readonly WireRecord[]): Batch[] {
  const batches: Batch[] = [];
  let bytes = 0;
  for (const record of records) {
    const size = sizeOf(record);
    const last = batches.at(-1)?.records;
    if (
      last === undefined ||
      bytes + size > MAX_BATCH_BYTES ||
      tooFarApart(last[0], record) ||
      last.length >= MAX_BATCH_RECORDS
    ) {
      const { topic, partition } = record;
      batches.push({ topic, partition, records: [record], sequence: null });
      bytes = size;
    } else {
      last.push(record);
      bytes += size;
    }
  }
  return batches;
}

/** The client's encoder errs where a record's time is 2^31 ms (25 days) or more from that of its batch's first. */
function tooFarApart(first: WireRecord | undefined, wire: WireRecord): boolean {
  const apartMs = Number(wire.timestamp - (first?.timestamp ?? wire.timestamp));
  return Math.abs(apartMs) >= 2 ** 31;
}

function toWire(record: ProduceRecord, partition: number, nowMs: number): WireRecord {
  const value = typeof record.value === "string" ? Buffer.from(record.value) : record.value;
  const wire: WireRecord = {
    source: record,
    topic: record.topic,
    partition,
    // The client's types know no null, its encoder writes it as Kafka's null: a tombstone.
    value: value as Buffer,
    timestamp: BigInt(record.timestampMs ?? nowMs),
    restamped: false,
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

  /** A refused batch has used up none of its numbers: whatever is sent to its partition next has them. */
  giveBack(refused: Batch, waiting: readonly Batch[]): void {
    if (refused.sequence === null) return;
    this.#next.set(`${refused.topic}:${refused.partition}`, refused.sequence);
    for (const batch of waiting)
      if (batch.topic === refused.topic && batch.partition === refused.partition) batch.sequence = null;
    refused.sequence = null;
  }
}
