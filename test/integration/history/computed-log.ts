/** A log that anyone can compute: batch n is five raw records and one totals record. */
import { encodeThrough, encodeTotals } from "../../../src/record/totals-record.ts";
import type { LogRecord } from "../../../src/ports.ts";

export const RAW_PER_BATCH = 5;
const START_MS = Date.UTC(2026, 0, 1);
const BATCH_MS = 600_000;

export function timeOfBatch(batch: number): number {
  return START_MS + batch * BATCH_MS;
}

export function batchOf(batch: number): readonly LogRecord[] {
  const atMs = timeOfBatch(batch);
  const first = batch * RAW_PER_BATCH;
  const raw = Array.from({ length: RAW_PER_BATCH }, (_, index): LogRecord => {
    const offset = first + index;
    const stationId = String(offset % 17);
    const value = {
      system_id: "velib",
      station_id: stationId,
      postcode: "75016",
      nbr_total: offset % 40,
      nbr_elec: null,
      nbr_meca: null,
      nbr_docks: 1,
      observed_at: atMs,
    };
    return record("raw", offset, `velib:${stationId}`, JSON.stringify(value), atMs, {});
  });
  const totals = {
    systemId: "velib",
    area: "75016",
    total: batch,
    electric: null,
    mechanical: null,
    stations: 17,
    docks: 17,
    asOfMs: atMs,
    stationsWithoutSplit: 17,
    simulated: false,
  };
  const through = encodeThrough({ partition: 0, offset: first + RAW_PER_BATCH - 1 });
  return [...raw, record("totals", batch, "75016", encodeTotals(totals), atMs, { through })];
}

function record(
  topic: string,
  offset: number,
  key: string,
  value: string,
  timestampMs: number,
  headers: Readonly<Record<string, string>>,
): LogRecord {
  return { topic, partition: 0, offset, key, value: Buffer.from(value), headers, timestampMs };
}
