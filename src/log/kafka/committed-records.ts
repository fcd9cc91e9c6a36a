/**
 * Read committed: which records of a fetched partition a reader may see. Pure.
 *
 * The broker sends whole batches and, beside them, where aborted transactions begin. A producer's batches are dropped
 * from there to its abort marker, which may lie in a later answer; then its next transaction counts again.
 * (The client's own filter lets records through when the marker is not in the same answer, and keeps only one
 * aborted range per producer: docs/decisions/0010, test/unit/kafka-committed-records.test.ts.)
 */
import type { LogRecord } from "../../ports.ts";
import type { Unseen } from "./missing-records.ts";
import type { RecordBatch } from "./record-batch.ts";

const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

/** Records made at a time, and where to go on after them. */
export interface RecordChunk {
  readonly records: readonly LogRecord[];
  readonly nextOffset: number;
  /** Memory that the records hold on to, beside the answer's. */
  readonly bytes: number;
}

/** Unfolded bytes of the batches of one chunk, beside those of its last batch. */
export const CHUNK_BYTES = 16 * 1024 * 1024;

/** What of an answer a reader may see. Records are made when they are asked for: a chunk of them dies young. */
export class CommittedRecords {
  /** Where to fetch next: past control records and aborted ones too. */
  readonly nextOffset: number;
  /** Where it was fetched from. */
  readonly fetchOffset: number;
  /** Offsets of control records and aborted ones: nobody may see them, and none is missing. */
  readonly unseen: Unseen;
  readonly #topic: string;
  readonly #partition: number;
  readonly #batches: readonly RecordBatch[];

  /** @param batches those that are to be seen, in order */
  constructor(
    topic: string,
    partition: number,
    fetchOffset: number,
    batches: readonly RecordBatch[],
    nextOffset: number,
    unseen: Unseen,
  ) {
    this.#topic = topic;
    this.#partition = partition;
    this.fetchOffset = fetchOffset;
    this.#batches = batches;
    this.nextOffset = nextOffset;
    this.unseen = unseen;
  }

  /**
   * Batches are not divided, so a chunk may have a batch's records more than `mostRecords`. It is given out before the
   * next one is unfolded: an answer of well-compressed batches takes many times its own memory.
   */
  *chunks(mostRecords: number): Generator<RecordChunk> {
    let records: LogRecord[] = [];
    let bytes = 0;
    for (const [index, batch] of this.#batches.entries()) {
      bytes += batch.readInto(records, this.#topic, this.#partition, this.fetchOffset);
      const isLast = index === this.#batches.length - 1;
      const full = records.length >= mostRecords || bytes >= CHUNK_BYTES;
      if (records.length === 0 || (!full && !isLast)) continue;
      const chunk = { records, bytes, nextOffset: isLast ? this.nextOffset : batch.lastOffset + 1 };
      records = [];
      bytes = 0;
      yield chunk;
    }
  }
}

export function committedRecords(
  topic: string,
  partition: number,
  fetchOffset: number,
  batches: readonly RecordBatch[],
  abortedTransactions: readonly AbortedTransaction[],
): CommittedRecords {
  const aborted = [...abortedTransactions].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  let nextAborted = 0;
  const aborting = new Set<bigint>();
  const seen: RecordBatch[] = [];
  const unseen: [number, number][] = [];
  let nextOffset = fetchOffset;
  for (const batch of batches) {
    const last = batch.lastOffset;
    nextOffset = Math.max(nextOffset, last + 1);
    for (let next = aborted[nextAborted]; next !== undefined; next = aborted[nextAborted]) {
      if (Number(next.firstOffset) > last) break;
      aborting.add(next.producerId);
      nextAborted += 1;
    }
    if ((batch.attributes & CONTROL) !== 0) {
      if (batch.isAbortMarker()) aborting.delete(batch.producerId);
      unseen.push([batch.firstOffset, last]);
      continue;
    }
    if ((batch.attributes & TRANSACTIONAL) !== 0 && aborting.has(batch.producerId))
      unseen.push([batch.firstOffset, last]);
    else seen.push(batch);
  }
  return new CommittedRecords(topic, partition, fetchOffset, seen, nextOffset, unseen);
}
