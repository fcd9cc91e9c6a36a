/**
 * Record batches as they stand in a log segment and in a fetch answer (magic 2), read in one pass: one object per
 * record, and no new string for a key or header that was just read. The client's own reader makes several objects and
 * big integers per record, which took a third of the aggregate's time (docs/decisions/0080).
 *
 *   header 61 bytes: base offset, length, …, attributes, last offset delta, timestamps, producer, sequence, count
 *   then `count` records, compressed together:
 *     length, attributes, timestamp delta, offset delta, key, value, headers    lengths and deltas are zigzag varints
 */
import { compressionsAlgorithmsByBitmask } from "@platformatic/kafka";
import { AsciiTexts } from "../../domain/ascii-texts.ts";
import { LogError } from "../../errors.ts";
import type { LogRecord } from "../../ports.ts";
import { StoredRecord } from "../stored-record.ts";

const LENGTH_AT = 8;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;
const HEADER_BYTES = 61;
/** What `length` does not count: base offset and itself. */
const BEFORE_LENGTH_ENDS = 12;
const COMPRESSION = 0b111;
/** Set when the timestamp is the broker's (message.timestamp.type=LogAppendTime). */
const LOG_APPEND_TIME = 1 << 3;
/** Control record key: version int16, type int16; type 0 is an abort marker. */
const ABORT_MARKER = 0;

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
/** Keys in use at a time: a partition's stations. */
const KEYS = new AsciiTexts(16_384);

export class RecordBatch {
  readonly lastOffset: number;
  readonly attributes: number;
  readonly producerId: bigint;
  readonly #firstOffset: number;
  /** The whole batch. */
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    const magic = bytes[MAGIC_AT];
    if (magic !== 2)
      throw new LogError(
        "VELOSTREAM_LOG_REFUSED",
        `The topic holds records in format ${magic}, written by a producer older than Kafka 0.11. Write the topic anew.`,
      );
    this.#bytes = bytes;
    this.#firstOffset = Number(bytes.readBigInt64BE(0));
    this.lastOffset = this.#firstOffset + bytes.readInt32BE(LAST_OFFSET_DELTA_AT);
    this.attributes = bytes.readInt16BE(ATTRIBUTES_AT);
    this.producerId = bytes.readBigInt64BE(PRODUCER_ID_AT);
  }

  /** Of a control batch: whether the transaction was aborted. */
  isAbortMarker(): boolean {
    const cursor = new Cursor(this.#records());
    cursor.skipToKey();
    return cursor.varint() >= 4 && cursor.bytes.readInt16BE(cursor.at + 2) === ABORT_MARKER;
  }

  /** Appends the records from `fromOffset` on: the first batch of an answer may begin before what was asked for. */
  readInto(records: LogRecord[], topic: string, partition: number, fromOffset: number): void {
    const cursor = new Cursor(this.#records());
    const { bytes } = cursor;
    const count = this.#bytes.readInt32BE(COUNT_AT);
    const appendTime = (this.attributes & LOG_APPEND_TIME) !== 0;
    const firstTimestampMs = Number(this.#bytes.readBigInt64BE(FIRST_TIMESTAMP_AT));
    const maxTimestampMs = Number(this.#bytes.readBigInt64BE(MAX_TIMESTAMP_AT));
    let headers = NO_HEADERS;
    let headersStart = 0;
    let headersEnd = 0;
    for (let index = 0; index < count; index += 1) {
      const length = cursor.varint();
      const end = cursor.at + length;
      // The record's own attributes say nothing yet.
      cursor.at += 1;
      const timestampMs = firstTimestampMs + cursor.varlong();
      const offset = this.#firstOffset + cursor.varint();
      const keyLength = cursor.varint();
      const keyStart = cursor.at;
      if (keyLength > 0) cursor.at += keyLength;
      const valueLength = cursor.varint();
      const valueStart = cursor.at;
      if (valueLength > 0) cursor.at += valueLength;
      // Neighbours mostly have the same headers: then they share one object.
      if (end - cursor.at !== headersEnd - headersStart || !sameBytes(bytes, cursor.at, end, headersStart)) {
        headersStart = cursor.at;
        headersEnd = end;
        headers = readHeaders(cursor);
      }
      cursor.at = end;
      if (offset < fromOffset) continue;
      records.push(
        new StoredRecord(
          topic,
          partition,
          offset,
          keyLength < 0 ? null : text(bytes, keyStart, keyStart + keyLength),
          valueLength < 0 ? null : bytes,
          valueStart,
          valueStart + valueLength,
          headers,
          appendTime ? maxTimestampMs : timestampMs,
        ),
      );
    }
  }

  /** The records' bytes, decompressed. */
  #records(): Buffer {
    const records = this.#bytes.subarray(HEADER_BYTES);
    const compression = this.attributes & COMPRESSION;
    if (compression === 0) return records;
    const algorithm = compressionsAlgorithmsByBitmask[compression];
    if (algorithm === undefined)
      throw new LogError(
        "VELOSTREAM_LOG_REFUSED",
        `No compression of Kafka has number ${compression}. Write the topic anew.`,
      );
    return algorithm.decompressSync(records);
  }
}

/** The whole batches of a partition's answer; a broker may cut the last one off. */
export function readBatches(bytes: Buffer): RecordBatch[] {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const end = at + BEFORE_LENGTH_ENDS + bytes.readInt32BE(at + LENGTH_AT);
    if (end > bytes.length) break;
    batches.push(new RecordBatch(bytes.subarray(at, end)));
    at = end;
  }
  return batches;
}

/** Reads from a place on, and moves it. */
class Cursor {
  readonly bytes: Buffer;
  at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  skipToKey(): void {
    this.varint();
    this.at += 1;
    this.varlong();
    this.varint();
  }

  varint(): number {
    const { bytes } = this;
    let byte = this.#next(bytes);
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = this.#next(bytes);
      value |= (byte & 0x7f) << shift;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** Exact up to 2^53, which is far beyond any time in ms. */
  varlong(): number {
    const { bytes } = this;
    let byte = this.#next(bytes);
    let value = byte & 0x7f;
    for (let scale = 128; byte >= 0x80; scale *= 128) {
      byte = this.#next(bytes);
      value += (byte & 0x7f) * scale;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #next(bytes: Buffer): number {
    const byte = bytes[this.at];
    if (byte === undefined) throw new RangeError("a record batch ends inside a record");
    this.at += 1;
    return byte;
  }
}

function readHeaders(cursor: Cursor): Readonly<Record<string, string>> {
  const count = cursor.varint();
  if (count <= 0) return NO_HEADERS;
  const headers: Record<string, string> = {};
  for (let index = 0; index < count; index += 1) {
    const name = readText(cursor);
    const value = readText(cursor);
    if (name !== null && value !== null) headers[name] = value;
  }
  return headers;
}

function readText(cursor: Cursor): string | null {
  const length = cursor.varint();
  if (length < 0) return null;
  const start = cursor.at;
  cursor.at += length;
  return text(cursor.bytes, start, cursor.at);
}

function text(bytes: Buffer, start: number, end: number): string {
  return KEYS.of(bytes, start, end) ?? bytes.toString("utf8", start, end);
}

function sameBytes(bytes: Buffer, start: number, end: number, other: number): boolean {
  for (let i = start; i < end; i += 1) if (bytes[i] !== bytes[other + i - start]) return false;
  return true;
}
