/**
 * One partition of the memory log: records by offset, compacted or trimmed behind its readers.
 *
 *   offsets   3  7  8 │ 12 13 14 15 │ 16 17
 *             └ older: only the      └ publish boundaries: a processor gets one publish at a time,
 *               latest per key kept     so that a replay gives the same batches every time
 */
import type { LogRecord, ProduceRecord } from "../ports.ts";
import { StoredRecord } from "./stored-record.ts";
import { packValues } from "./value-arena.ts";

/** Superseded records kept before a compaction is worth its cost. */
const COMPACT_AFTER = 1024;
/** Records kept of a topic with retention (`cleanupPolicy: delete`) that nobody reads. */
export const RETAINED_RECORDS = 10_000;

/** Records that are handed out to the first of several readers, and not yet to the last, at most. */
const HANDED_RECORDS = 4_096;
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** A record as it comes. */
type Appended = Pick<ProduceRecord, "key" | "value" | "headers" | "timestampMs">;

/**
 * A record as it is kept: without what its partition knows, its value a stretch of a block (value-arena.ts). A view of
 * its own for each value, as readers get it, would take as much as the value of a small station.
 */
interface Entry {
  readonly offset: number;
  readonly key: string | null;
  /** Null: a tombstone. */
  readonly block: Buffer | null;
  readonly start: number;
  readonly end: number;
  readonly headers: LogRecord["headers"];
  readonly timestampMs: number;
  /** The offset at which its publish ended (exclusive). */
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
  /** By offset, from the first reader to the last: they share what is read of a record (record/received-record.ts). */
  readonly #handed = new Map<number, StoredRecord>();

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

  /** Why records are gone that were there once. */
  get dropsBy(): "compacted" | "retention" {
    return this.#compacted ? "compacted" : "retention";
  }

  /** Appends the records of one publish. */
  append(records: readonly Appended[], nowMs: number): void {
    const publishEnd = this.#nextOffset + records.length;
    packValues(
      records,
      ({ value }) => value,
      ({ key, headers = NO_HEADERS, timestampMs = nowMs }, block, start, end) => {
        const offset = this.#nextOffset;
        this.#nextOffset += 1;
        this.#entries.push({ offset, key, block, start, end, headers, timestampMs, publishEnd });
        if (!this.#compacted || key === null) return;
        if (this.#latest.has(key)) this.#superseded += 1;
        this.#latest.set(key, offset);
        // A tombstone is itself garbage once everyone has passed it.
        if (block === null) this.#superseded += 1;
      },
    );
  }

  /** Up to `limit` records from `offset` on. */
  read(offset: number, limit: number): LogRecord[] {
    const start = this.#indexOf(offset);
    return this.#entries.slice(start, start + limit).map((entry) => this.#record(entry));
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
      records.push(this.#record(entry));
    }
    return records;
  }

  /** Offset of the first record at or after `offset`; null when there is none. */
  firstFrom(offset: number): number | null {
    return this.#entries[this.#indexOf(offset)]?.offset ?? null;
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
      const { key, offset, block } = entry;
      const isLatest = key === null || this.#latest.get(key) === offset;
      if (offset >= passedOffset) {
        if (!isLatest) superseded += 1;
        if (block === null) superseded += 1;
        kept.push(entry);
      } else if (isLatest && block !== null) kept.push(entry);
      else if (isLatest && key !== null) this.#latest.delete(key);
    }
    // What is kept moves together: the blocks that it shared with what is gone are freed whole.
    const moved: Entry[] = [];
    packValues(kept, valueOf, (entry, block, start, end) => moved.push({ ...entry, block, start, end }));
    this.#entries = moved;
    this.#superseded = superseded;
  }

  /** Every reader has read what stands below `passedOffset`. */
  letGo(passedOffset: number): void {
    for (const offset of this.#handed.keys()) {
      if (offset >= passedOffset) return;
      this.#handed.delete(offset);
    }
  }

  #record({ offset, key, block, start, end, headers, timestampMs }: Entry): LogRecord {
    const handed = this.#handed.get(offset);
    if (handed !== undefined) return handed;
    const { topic, partition } = this;
    const record = new StoredRecord(topic, partition, offset, key, block, start, end, headers, timestampMs);
    if (this.#handed.size < HANDED_RECORDS) this.#handed.set(offset, record);
    return record;
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

function valueOf({ block, start, end }: Entry): Buffer | null {
  return block === null ? null : block.subarray(start, end);
}
