/**
 * What a record of the raw topic says, or why it is not taken, as every reader of the log decides it: the aggregate,
 * the live view, the archive and a collector that restores.
 *
 *   not readable? too large? stamped ahead of the clock? ──▶ reject      no value ──▶ tombstone
 *                        │ none
 *                        ▼
 *                 decodeRawRecord (raw-record.ts)
 */
import { decodeRawRecord, MOST_AHEAD_MS, type RawDecoding, type ReferenceReader } from "./raw-record.ts";

/** Brokers take records of 1 MiB by default; a station's is 600 bytes. Text of more than this is not made. */
export const MOST_VALUE_BYTES = 1024 * 1024;

/** A record of either topic, as far as this looks at it. */
export interface Received {
  readonly key: string | null;
  readonly value: { readonly length: number; toString(encoding: "utf8"): string } | null;
  readonly timestampMs: number;
  readonly unreadable?: string;
}

/** @param nowMs the reader's clock: no record was written later than that, whatever its own time says */
export function receiveRaw(
  record: Received,
  nowMs: number,
  readReference: ReferenceReader,
): RawDecoding | "tombstone" {
  const unusable = unusableReason(record);
  if (unusable !== null) return refused(unusable, "$", null);
  if (record.value === null) return "tombstone";
  if (isAhead(record.timestampMs, nowMs))
    return refused("from_the_future", "timestamp", { timestamp: record.timestampMs });
  try {
    return decodeRawRecord(record.key, record.value.toString("utf8"), record.timestampMs, readReference);
  } catch {
    // Nothing is known to get here; one record that does must not stop all the others.
    return refused("unreadable", "$", null);
  }
}

/** Why no text is to be made of a record's value; null where it may. */
export function unusableReason({ value, unreadable }: Received): string | null {
  if (unreadable !== undefined) return unreadable;
  return value !== null && value.length > MOST_VALUE_BYTES ? "too_large" : null;
}

/** Whether a time lies beyond what clocks may differ by. */
export function isAhead(timeMs: number, nowMs: number): boolean {
  return timeMs > nowMs + MOST_AHEAD_MS;
}

function refused(reason: string, path: string, record: unknown): RawDecoding {
  return { ok: false, reject: { reason, path, stationId: null, record } };
}
