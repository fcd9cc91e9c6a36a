/**
 * What a record of the raw topic says, or why it is not taken, as every reader of the log decides it: the aggregate,
 * the live view, the archive and a collector that restores.
 *
 *   not readable? too large? stamped ahead of the clock? ──▶ reject      no value ──▶ tombstone
 *                        │ none
 *                        ▼
 *   read already in this process? ──yes──▶ what was read then
 *                        │ no
 *                        ▼
 *                 decodeRawRecord (raw-record.ts)
 *
 * Of totals the same, without a clock.
 */
import { decodeRawRecord, MOST_AHEAD_MS, type RawDecoding, type ReferenceReader } from "./raw-record.ts";
import { decodeTotals, type Totals } from "./totals-record.ts";

/** Brokers take records of 1 MiB by default; a station's is 600 bytes. Text of more than this is not made. */
export const MOST_VALUE_BYTES = 1024 * 1024;

/** A record of either topic, as far as this looks at it. */
export interface Received {
  readonly key: string | null;
  /** Null is a tombstone. */
  readonly value: { readonly length: number; toString(encoding: "utf8"): string } | null;
  readonly timestampMs: number;
  readonly unreadable?: string;
  /**
   * What was read of its value, where a log gives the same record to several readers of a process: the first one reads, and
   * the others find what it made of it. Null before that; absent where nobody else gets the record.
   */
  reading?: Reading | null;
}

/** A record as the log gives it, as far as those look at it who follow what it says now (domain/live-view.ts). */
export interface ReadRecord extends Received {
  readonly partition: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** What was read of a value, and by what: another reader of references may read it otherwise. */
export interface Reading {
  readonly by: unknown;
  readonly said: unknown;
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
  const { key, value, timestampMs } = record;
  return readOnce(record, readReference, (): RawDecoding => {
    try {
      return decodeRawRecord(key, value.toString("utf8"), timestampMs, readReference);
    } catch {
      // Nothing is known to get here; one record that does must not stop all the others.
      return refused("unreadable", "$", null);
    }
  });
}

export type TotalsReceived =
  | { readonly ok: true; readonly totals: Totals }
  | { readonly ok: false; readonly reason: string };

/** What a record of the totals topic says, as every reader of the log decides it. */
export function receiveTotals(record: Received): TotalsReceived | "tombstone" {
  const unusable = unusableReason(record);
  if (unusable !== null) return { ok: false, reason: unusable };
  const { value } = record;
  if (value === null) return "tombstone";
  return readOnce(record, decodeTotals, (): TotalsReceived => {
    const totals = decodeTotals(value.toString("utf8"));
    return totals === null ? { ok: false, reason: "not_totals" } : { ok: true, totals };
  });
}

function readOnce<Said>(record: Received, by: unknown, read: () => Said): Said {
  const { reading } = record;
  if (reading === undefined) return read();
  if (reading !== null && reading.by === by) return reading.said as Said;
  const said = read();
  record.reading = { by, said };
  return said;
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
