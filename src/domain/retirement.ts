/** The last two records of a station where it was: zero counts with `retired: true`, then a tombstone. */
import type { PlannedRecord, Published } from "./collection-plan.ts";
import { encodeRetiredRecord } from "../record/raw-record.ts";

export function retirementRecords(
  system: { readonly systemId: string; readonly simulated: boolean },
  stationId: string,
  { key, numericId, area, slot, partition }: Published,
  observedAtMs: number,
): readonly PlannedRecord[] {
  const { systemId, simulated } = system;
  const last = { systemId, stationId, numericId, area, slot, observedAtMs, simulated };
  return [
    { key, value: encodeRetiredRecord(last), partition },
    { key, value: null, partition },
  ];
}
