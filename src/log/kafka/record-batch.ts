/**
 * Record batches as they stand in a log segment and in a fetch answer (magic 2), read in one pass: one object per
 * record, and no new string for a key or header that was just read. The client's own reader makes several objects and
 * big integers per record, which took a third of the aggregate's time (docs/decisions/0080).
 *
 *   header 61 bytes: base offset, length, …, attributes, last offset delta, timestamps, producer, sequence, count
 *   then `count` records, compressed together:
 *     length, attributes, timestamp delta, offset delta, key, value, headers    lengths and deltas are zigzag varints
 *
 * Anybody may have written them, and nothing in them ends a reader: what cannot be read is one record without a value
 * that says why (`unreadable`), and the next batch goes on behind it.
 */
import { AsciiTexts } from "../../record/ascii-texts.ts";
import type { LogRecord, Unreadable } from "../../ports.ts";
import { StoredRecord } from "../stored-record.ts";
import { crc32c } from "./crc32c.ts";
import { decompress, UnfoldsTooFar } from "./decompress.ts";

const LENGTH_AT = 8;
const MAGIC_AT = 16;
const CRC_AT = 17;
/** The checksum covers everything from here on. */
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;
const HEADER_BYTES = 61;
/** What `length` does not count: base offset and itself. */
const BEFORE_LENGTH_ENDS = 12;
/** Up to and with the magic byte. */
const LEAST_LENGTH = MAGIC_AT + 1 - BEFORE_LENGTH_ENDS;
const COMPRESSION = 0b111;
/** Set when the timestamp is the broker's (message.timestamp.type=LogAppendTime). */
const LOG_APPEND_TIME = 1 << 3;
/** Control record key: version int16, type int16; type 0 is an abort marker. */
const ABORT_MARKER = 0;

/**
 * Records of one batch, at most: a record takes some 150 bytes of memory beside its value, and seven bytes of a batch
 * are enough for one. Kafka's own clients write some 15,000 in a megabyte.
 */
const MOST_RECORDS = 250_000;
/** A key is a system and a station; headers are a schema's name, a trace, a position. */
const MOST_KEY_BYTES = 64 * 1024;
const MOST_HEADER_BYTES = 64 * 1024;

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
/** Keys in use at a time: a partition's stations. */
const KEYS = new AsciiTexts(16_384);

export class RecordBatch {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly attributes: number;
  readonly producerId: bigint;
  /** The whole batch. */
  readonly #bytes: Buffer;
  /** The bytes are not those that the checksum was made of. */
  readonly #damaged: boolean;

  /** @param checkCrc compare the bytes with the batch's checksum */
  constructor(bytes: Buffer, checkCrc: boolean) {
    this.#bytes = bytes;
    this.firstOffset = Number(bytes.readBigInt64BE(0));
    // Before format 2 (Kafka 0.11) a batch was one record, or had others inside it; both bear the last one's offset.
    const known = bytes[MAGIC_AT] === 2 && bytes.length >= HEADER_BYTES;
    this.#damaged = checkCrc && known && crc32c(bytes.subarray(ATTRIBUTES_AT)) !== bytes.readUInt32BE(CRC_AT);
    this.lastOffset = known
      ? this.firstOffset + Math.max(0, bytes.readInt32BE(LAST_OFFSET_DELTA_AT))
      : this.firstOffset;
    // Of a damaged batch nothing else is believed: an attribute that turned over could hide it as a marker.
    const believed = known && !this.#damaged;
    this.attributes = believed ? bytes.readInt16BE(ATTRIBUTES_AT) : 0;
    this.producerId = believed ? bytes.readBigInt64BE(PRODUCER_ID_AT) : -1n;
  }

  /** Of a control batch: whether the transaction was aborted. */
  isAbortMarker(): boolean {
    const cursor = new Cursor(this.#bytes.subarray(HEADER_BYTES));
    cursor.skipToKey();
    return cursor.varint() >= 4 && cursor.bytes.readInt16BE(cursor.at + 2) === ABORT_MARKER;
  }

  /**
   * Appends the records from `fromOffset` on: the first batch of an answer may begin before what was asked for. Where
   * the batch, or what is left of it, cannot be read, one record without a value stands for it.
   * @returns how many bytes of memory the records hold on to, beside the answer's
   */
  readInto(records: LogRecord[], topic: string, partition: number, fromOffset: number): number {
    const before = records.length;
    const unreadable = (why: Unreadable): void => {
      const last = records.length > before ? (records.at(-1)?.offset ?? -1) + 1 : this.firstOffset;
      const offset = Math.min(Math.max(last, fromOffset), this.lastOffset);
      records.push(withoutValue(topic, partition, offset, this.#timestampMs(), why));
    };
    if (this.#bytes[MAGIC_AT] !== 2) {
      unreadable("old_format");
      return 0;
    }
    if (this.#bytes.length < HEADER_BYTES || this.#damaged) {
      unreadable("damaged_batch");
      return 0;
    }
    try {
      const bytes = decompress(this.attributes & COMPRESSION, this.#bytes.subarray(HEADER_BYTES));
      if (this.#bytes.readInt32BE(COUNT_AT) > MOST_RECORDS) {
        unreadable("batch_too_large");
        return 0;
      }
      this.#readFrom(bytes, records, topic, partition, fromOffset);
      return (this.attributes & COMPRESSION) === 0 ? 0 : bytes.length;
    } catch (error) {
      unreadable(error instanceof UnfoldsTooFar ? "batch_too_large" : "damaged_batch");
      return 0;
    }
  }

  #readFrom(bytes: Buffer, records: LogRecord[], topic: string, partition: number, fromOffset: number): void {
    const cursor = new Cursor(bytes);
    const count = this.#bytes.readInt32BE(COUNT_AT);
    const appendTime = (this.attributes & LOG_APPEND_TIME) !== 0;
    const firstTimestampMs = Number(this.#bytes.readBigInt64BE(FIRST_TIMESTAMP_AT));
    const maxTimestampMs = this.#timestampMs();
    let headers = NO_HEADERS;
    let headersStart = 0;
    let headersEnd = 0;
    for (let index = 0; index < count; index += 1) {
      const length = cursor.varint();
      const end = cursor.at + length;
      if (length <= 0 || end > bytes.length) throw new RangeError("a record ends outside its batch");
      // The record's own attributes say nothing yet.
      cursor.at += 1;
      const timestampMs = appendTime ? cursor.skipped(maxTimestampMs) : firstTimestampMs + cursor.varlong();
      const offset = this.firstOffset + cursor.varint();
      const keyLength = cursor.varint();
      const keyStart = cursor.at;
      if (keyLength > 0) cursor.at += keyLength;
      const valueLength = cursor.varint();
      const valueStart = cursor.at;
      if (valueLength > 0) cursor.at += valueLength;
      if (cursor.at > end) throw new RangeError("a record's parts are longer than the record");
      if (keyLength > MOST_KEY_BYTES || end - cursor.at > MOST_HEADER_BYTES) {
        const why = keyLength > MOST_KEY_BYTES ? "key_too_large" : "headers_too_large";
        if (offset >= fromOffset) records.push(withoutValue(topic, partition, offset, timestampMs, why));
        cursor.at = end;
        continue;
      }
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
          timestampMs,
        ),
      );
    }
  }

  /** The newest time in the batch. */
  #timestampMs(): number {
    const known = this.#bytes[MAGIC_AT] === 2 && this.#bytes.length >= HEADER_BYTES;
    return known ? Number(this.#bytes.readBigInt64BE(MAX_TIMESTAMP_AT)) : 0;
  }
}

function withoutValue(
  topic: string,
  partition: number,
  offset: number,
  timestampMs: number,
  unreadable: Unreadable,
): LogRecord {
  return { topic, partition, offset, key: null, value: null, headers: NO_HEADERS, timestampMs, unreadable };
}

/**
 * The whole batches of a partition's answer; a broker may cut the last one off.
 * @param checkCrcs compare each with its checksum
 */
export function readBatches(bytes: Buffer, checkCrcs: boolean): RecordBatch[] {
  const batches: RecordBatch[] = [];
  for (let at = 0; at + ATTRIBUTES_AT < bytes.length;) {
    const length = bytes.readInt32BE(at + LENGTH_AT);
    // A batch that is shorter than what every format begins with frames nothing: what follows it cannot be found.
    const end = length < LEAST_LENGTH ? bytes.length : at + BEFORE_LENGTH_ENDS + length;
    if (end > bytes.length) break;
    batches.push(new RecordBatch(bytes.subarray(at, end), checkCrcs));
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

  /** Passes over a number; gives `value` in its place. */
  skipped(value: number): number {
    this.varlong();
    return value;
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
