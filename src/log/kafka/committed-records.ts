/**
 * Read committed: which records of a fetched partition a reader may see. Pure.
 *
 * The broker sends whole batches and, beside them, where aborted transactions begin. A producer's batches are dropped
 * from there to its abort marker, which may lie in a later answer; then its next transaction counts again.
 * (The client's own filter lets records through when the marker is not in the same answer, and keeps only one
 * aborted range per producer: docs/decisions/0010, test/unit/kafka-committed-records.test.ts.)
 */
import type { RecordsBatch } from "@platformatic/kafka";
import type { LogRecord } from "../../ports.ts";

const TRANSACTIONAL = 1 << 4;
const CONTROL = 1 << 5;
/** Set when the timestamp is the broker's (message.timestamp.type=LogAppendTime). */
const LOG_APPEND_TIME = 1 << 3;
/** Control record key: version int16, type int16; type 0 is an abort marker. */
const ABORT_MARKER = 0;

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
  batches: readonly RecordsBatch[],
  abortedTransactions: readonly AbortedTransaction[],
): CommittedRecords {
  const aborted = [...abortedTransactions].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  let nextAborted = 0;
  const aborting = new Set<bigint>();
  const records: LogRecord[] = [];
  let nextOffset = fetchOffset;
  for (const batch of batches) {
    const first = Number(batch.firstOffset);
    const last = first + batch.lastOffsetDelta;
    nextOffset = Math.max(nextOffset, last + 1);
    for (let next = aborted[nextAborted]; next !== undefined; next = aborted[nextAborted]) {
      if (Number(next.firstOffset) > last) break;
      aborting.add(next.producerId);
      nextAborted += 1;
    }
    if ((batch.attributes & CONTROL) !== 0) {
      if (batch.records[0]?.key?.readInt16BE(2) === ABORT_MARKER) aborting.delete(batch.producerId);
      continue;
    }
    if ((batch.attributes & TRANSACTIONAL) !== 0 && aborting.has(batch.producerId)) continue;
    const appendTime = (batch.attributes & LOG_APPEND_TIME) !== 0;
    for (const record of batch.records) {
      const offset = first + record.offsetDelta;
      // The first batch may begin before the offset asked for.
      if (offset < fetchOffset) continue;
      records.push({
        topic,
        partition,
        offset,
        key: record.key === null ? null : record.key.toString("utf8"),
        value: record.value,
        headers: headersOf(record.headers),
        timestampMs: appendTime
          ? Number(batch.maxTimestamp)
          : Number(batch.firstTimestamp + record.timestampDelta),
      });
    }
  }
  return { records, nextOffset };
}

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

function headersOf(entries: readonly [Buffer | null, Buffer | null][]): Readonly<Record<string, string>> {
  if (entries.length === 0) return NO_HEADERS;
  const headers: Record<string, string> = {};
  for (const [key, value] of entries)
    if (key !== null && value !== null) headers[key.toString("utf8")] = value.toString("utf8");
  return headers;
}
