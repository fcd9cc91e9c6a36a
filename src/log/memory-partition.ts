/**
 * One partition of the memory log: records by offset, compacted or trimmed behind its readers.
 *
 *   offsets   3  7  8 │ 12 13 14 15 │ 16 17
 *             └ older: only the      └ publish boundaries: a processor gets one publish at a time,
 *               latest per key kept     so that a replay gives the same batches every time
 */
import type { LogRecord } from "../ports.ts";
import { packValues } from "./value-arena.ts";

/** Superseded records kept before a compaction is worth its cost. */
const COMPACT_AFTER = 1024;
/** Records kept of a topic with retention (`cleanupPolicy: delete`) that nobody reads. */
export const RETAINED_RECORDS = 10_000;

/** A record as it comes, before it has a place. */
export interface Appended extends Omit<LogRecord, "topic" | "partition" | "offset" | "value"> {
  readonly value: string | Buffer | null;
}

/** A record and, in the same object, the offset at which its publish ended (exclusive). */
interface Entry extends LogRecord {
  readonly publishEnd: number;
}

export class MemoryPartition {
  readonly topic: string;
  readonly partition: number;
  readonly #compacted: boolean;
  #entries: Entry[] = [];
  #nextOffset = 0;
  readonly #latest = new Map<string, number>();
  #superseded = 0;

  constructor(topic: string, partition: number, compacted: boolean) {
    this.topic = topic;
    this.partition = partition;
    this.#compacted = compacted;
  }

  /** The offset the next record gets. */
  get endOffset(): number {
    return this.#nextOffset;
  }

  /** Records held now, for tests of boundedness. */
  get size(): number {
    return this.#entries.length;
  }

  /** Appends the records of one publish. */
  append(records: readonly Appended[]): void {
    const publishEnd = this.#nextOffset + records.length;
    const values = packValues(records.map(({ value }) => value));
    for (const [index, { key, headers, timestampMs }] of records.entries()) {
      const value = values[index] ?? null;
      const offset = this.#nextOffset;
      this.#nextOffset += 1;
      const { topic, partition } = this;
      this.#entries.push({ topic, partition, offset, key, value, headers, timestampMs, publishEnd });
      if (!this.#compacted || key === null) continue;
      if (this.#latest.has(key)) this.#superseded += 1;
      this.#latest.set(key, offset);
      // A tombstone is itself garbage once everyone has passed it.
      if (value === null) this.#superseded += 1;
    }
  }

  /** Up to `limit` records from `offset` on. */
  read(offset: number, limit: number): LogRecord[] {
    const start = this.#indexOf(offset);
    return this.#entries.slice(start, start + limit);
  }

  /** The records from `offset` to the end of the publish that the first of them belongs to. */
  readPublish(offset: number): LogRecord[] {
    const start = this.#indexOf(offset);
    const first = this.#entries[start];
    if (first === undefined) return [];
    const records: LogRecord[] = [];
    for (let i = start; i < this.#entries.length; i += 1) {
      const entry = this.#entries[i];
      if (entry === undefined || entry.publishEnd !== first.publishEnd) break;
      records.push(entry);
    }
    return records;
  }

  /** Drops what no reader needs: everything below `passedOffset` has been read by all of them. */
  compact(passedOffset: number): void {
    if (!this.#compacted) {
      const excess = this.#entries.length - RETAINED_RECORDS;
      if (excess >= COMPACT_AFTER) this.#entries.splice(0, Math.min(excess, this.#indexOf(passedOffset)));
      return;
    }
    if (this.#superseded < COMPACT_AFTER || this.#superseded * 4 < this.#entries.length) return;
    const kept: Entry[] = [];
    let superseded = 0;
    for (const entry of this.#entries) {
      const { key, offset, value } = entry;
      const isLatest = key === null || this.#latest.get(key) === offset;
      if (offset >= passedOffset) {
        if (!isLatest) superseded += 1;
        if (value === null) superseded += 1;
        kept.push(entry);
      } else if (isLatest && value !== null) kept.push(entry);
      else if (isLatest && key !== null) this.#latest.delete(key);
    }
    // What is kept moves together: the blocks that it shared with what is gone are freed whole.
    const values = packValues(kept.map(({ value }) => value));
    this.#entries = kept.map((entry, index) => ({ ...entry, value: values[index] ?? null }));
    this.#superseded = superseded;
  }

  /** Index of the first record at or after `offset`. */
  #indexOf(offset: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.offset ?? Infinity) < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
