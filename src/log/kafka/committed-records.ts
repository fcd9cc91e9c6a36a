/**
 * Read committed: which records of a fetched partition a reader may see. Pure.
 *
 * The broker sends whole batches and, beside them, where aborted transactions begin. A producer's batches are dropped
 * from there to its abort marker, which may lie in a later answer; then its next transaction counts again.
 * (The client's own filter lets records through when the marker is not in the same answer, and keeps only one
 * aborted range per producer: docs/decisions/0010, test/unit/kafka-committed-records.test.ts.)
 */
import type { LogRecord } from "../../ports.ts";
import type { RecordBatch } from "./record-batch.ts";

const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;

export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface CommittedRecords {
  readonly records: LogRecord[];
  /** Where to fetch next: past control records and aborted ones too. */
  readonly nextOffset: number;
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
  const records: LogRecord[] = [];
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
      continue;
    }
    if ((batch.attributes & TRANSACTIONAL) !== 0 && aborting.has(batch.producerId)) continue;
    batch.readInto(records, topic, partition, fetchOffset);
  }
  return { records, nextOffset };
}
