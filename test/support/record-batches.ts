/** Record batches in Kafka's own format, written by the client's encoder: what our reader is compared with. */
import { type CompressionAlgorithmValue, createRecordsBatch } from "@platformatic/kafka";
import { crc32c } from "../../src/log/kafka/crc32c.ts";

const CRC_AT = 17;
const ATTRIBUTES_AT = 21;

export interface WrittenRecord {
  readonly key: Buffer | null;
  /** null is a tombstone. */
  readonly value: Buffer | null;
  readonly headers: ReadonlyMap<Buffer, Buffer>;
  readonly timestampMs: number;
}

export interface WrittenBatch {
  readonly firstOffset: number;
  readonly records: readonly WrittenRecord[];
  /** @default -1 */
  readonly producerId?: bigint;
  /** Bits that the encoder does not set: control, transactional, append time. @default 0 */
  readonly attributes?: number;
  /** @default "none" */
  readonly compression?: CompressionAlgorithmValue;
}

export function writeBatch(batch: WrittenBatch): Buffer {
  const { firstOffset, records, producerId = -1n, attributes = 0, compression = "none" } = batch;
  const messages = records.map(({ key, value, headers, timestampMs }) => ({
    topic: "t",
    // The client's types know no null, its encoder writes it as Kafka's null.
    ...(key === null ? {} : { key }),
    value: value as Buffer,
    headers: new Map(headers),
    timestamp: BigInt(timestampMs),
  }));
  const bytes = createRecordsBatch(messages, { compression, producerId }).buffer;
  bytes.writeBigInt64BE(BigInt(firstOffset), 0);
  bytes.writeInt16BE(bytes.readInt16BE(ATTRIBUTES_AT) | attributes, ATTRIBUTES_AT);
  return sealed(bytes);
}

/** The batch with the checksum of what it says now. */
export function sealed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
  return batch;
}
