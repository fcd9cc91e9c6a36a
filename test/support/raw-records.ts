/** Raw records as the collector writes them, from the observations of generated histories. */
import type { LogRecord } from "../../src/ports.ts";
import type { Step } from "./history.ts";

/** The record of one step, at `offset` of partition `partition` of topic `raw`. */
export function rawRecord(step: Step, offset: number, partition = 0): LogRecord {
  if (step.kind === "remove") return record(step.key, null, offset, partition);
  const { systemId, stationId, area, total, electric, mechanical, docks, observedAtMs, retired } =
    step.observation;
  const value = JSON.stringify({
    system_id: systemId,
    station_id: stationId,
    postcode: area,
    nbr_total: total,
    nbr_elec: electric,
    nbr_meca: mechanical,
    nbr_docks: docks,
    observed_at: observedAtMs,
    ...(retired ? { retired: true } : {}),
  });
  return record(`${systemId}:${stationId}`, value, offset, partition);
}

export function record(key: string | null, value: string | null, offset: number, partition = 0): LogRecord {
  return {
    topic: "raw",
    partition,
    offset,
    key,
    value: value === null ? null : Buffer.from(value),
    headers: {},
    timestampMs: 1_000 + offset,
  };
}

/** What Kafka's cleaner leaves: below `cleanedTo`, a record goes when a later one below it has the same key. */
export function compacted(records: readonly LogRecord[], cleanedTo: number): LogRecord[] {
  const latest = new Map<string, number>();
  for (const { key, offset } of records) if (key !== null && offset < cleanedTo) latest.set(key, offset);
  return records.filter(
    ({ key, offset }) => offset >= cleanedTo || key === null || latest.get(key) === offset,
  );
}
