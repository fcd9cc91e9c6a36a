/**
 * The answer to a fetch, versions 4 to 17 (Kafka 0.11 to 4.4): header fields here, records in record-batch.ts.
 * Shapes are the client's, so that its errors and ours carry the same answer.
 */
import { type Reader, ResponseError } from "@platformatic/kafka";
import type { AbortedTransaction } from "./committed-records.ts";
import { answerBlocks } from "./answer-blocks.ts";
import { readBatches, type RecordBatch } from "./record-batch.ts";

/** Compact lengths and tagged fields from here on. */
const FLEXIBLE = 12;
/** Topics by id from here on. */
const TOPIC_IDS = 13;

export interface FetchResponsePartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly highWatermark: bigint;
  readonly lastStableOffset: bigint;
  readonly abortedTransactions: readonly AbortedTransaction[];
  readonly records: readonly RecordBatch[];
}

export interface FetchResponse {
  readonly errorCode: number;
  readonly responses: readonly {
    /** The topic's id; its name up to version 12. */
    readonly topicId: string;
    readonly partitions: readonly FetchResponsePartition[];
  }[];
  /** What the records are read from; to be given back to `answerBlocks` when they are done with. */
  readonly block: Buffer;
}

/**
 * What reads an answer; it throws a ResponseError, with the answer, when a partition or the whole has an error.
 * @param checkCrcs compare every batch with its checksum
 */
export function fetchResponseParser(
  checkCrcs: boolean,
): (correlationId: number, apiKey: number, version: number, reader: Reader) => FetchResponse {
  return (_correlationId, apiKey, version, reader) => parse(apiKey, version, reader, checkCrcs);
}

function parse(apiKey: number, version: number, reader: Reader, checkCrcs: boolean): FetchResponse {
  // One buffer for all: plain reads from it are many times faster than through the client's list of buffers.
  const { block, length } = joined(reader);
  const answer = new Answer(block.subarray(0, length), version >= FLEXIBLE);
  const errors: [string, [number, null]][] = [];
  answer.int32(); // throttle time
  let errorCode = 0;
  if (version >= 7) {
    errorCode = answer.int16();
    answer.int32(); // session id
  }
  if (errorCode !== 0) errors.push(["/", [errorCode, null]]);
  const responses = answer.array((topicIndex) => {
    const topicId = version >= TOPIC_IDS ? answer.uuid() : answer.string();
    const partitions = answer.array((index) => {
      const partition = readPartition(answer, version, checkCrcs);
      if (partition.errorCode !== 0)
        errors.push([`/responses/${topicIndex}/partitions/${index}`, [partition.errorCode, null]]);
      return partition;
    });
    answer.taggedFields();
    return { topicId, partitions };
  });
  const response = { errorCode, responses, block };
  if (errors.length > 0) throw new ResponseError(apiKey, version, Object.fromEntries(errors), response);
  return response;
}

/** The rest of an answer in one block. */
function joined(reader: Reader): { block: Buffer; length: number } {
  let skip = reader.position;
  const length = reader.buffer.length - skip;
  const block = answerBlocks.take(length);
  let at = 0;
  for (const chunk of reader.buffer.buffers) {
    if (skip < chunk.length) at += chunk.copy(block, at, skip);
    skip = Math.max(0, skip - chunk.length);
  }
  return { block, length };
}

function readPartition(answer: Answer, version: number, checkCrcs: boolean): FetchResponsePartition {
  const partitionIndex = answer.int32();
  const errorCode = answer.int16();
  const highWatermark = answer.int64();
  const lastStableOffset = answer.int64();
  if (version >= 5) answer.int64(); // log start offset
  const abortedTransactions = answer.array(() => {
    const aborted = { producerId: answer.int64(), firstOffset: answer.int64() };
    answer.taggedFields();
    return aborted;
  });
  if (version >= 11) answer.int32(); // preferred read replica
  const records = readBatches(answer.bytes(), checkCrcs);
  answer.taggedFields();
  return { partitionIndex, errorCode, highWatermark, lastStableOffset, abortedTransactions, records };
}

/** Kafka's primitive types, read one after the other. */
class Answer {
  readonly #bytes: Buffer;
  readonly #flexible: boolean;
  #at = 0;

  constructor(bytes: Buffer, flexible: boolean) {
    this.#bytes = bytes;
    this.#flexible = flexible;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  int64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64BE(this.#at - 8);
  }

  uuid(): string {
    const hex = this.#bytes.toString("hex", this.#at, this.#at + 16);
    this.#at += 16;
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  string(): string {
    return this.#take(this.#flexible ? this.#varint() - 1 : this.int16()).toString("utf8");
  }

  /** Empty when null. */
  bytes(): Buffer {
    return this.#take(this.#length());
  }

  /** Empty when null. */
  array<T>(read: (index: number) => T): T[] {
    const length = this.#length();
    const items: T[] = [];
    for (let index = 0; index < length; index += 1) items.push(read(index));
    return items;
  }

  /** Skipped: none of them is needed. */
  taggedFields(): void {
    if (!this.#flexible) return;
    for (let count = this.#varint(); count > 0; count -= 1) {
      this.#varint();
      this.#take(this.#varint());
    }
  }

  #length(): number {
    return this.#flexible ? this.#varint() - 1 : this.int32();
  }

  #take(length: number): Buffer {
    const start = this.#at;
    if (length > 0) this.#at += length;
    if (this.#at > this.#bytes.length) throw new RangeError("a fetch answer ends early");
    return this.#bytes.subarray(start, this.#at);
  }

  #varint(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes.readUInt8(this.#at);
      this.#at += 1;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}
