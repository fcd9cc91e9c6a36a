/**
 * Reads the reference producer's records: the Vélib' station object alone, no key, none of our fields. They are
 * observations all the same, made when the record was written; the area comes from the station code.
 */
import { decodeStation } from "../domain/gbfs/station-status.ts";
import { type RawRecord, type ReferenceReader } from "../record/raw-record.ts";
import { readFeedFields } from "../record/read-fields.ts";
import type { AreaRule } from "../record/station.ts";
import { SUMMED_FIELDS, type CountsMade } from "../record/station-parts.ts";
import { DEFAULT_SYSTEM_ID } from "../record/keys.ts";
import { areaOfVelibCode } from "./velib-areas.ts";

const NO_VEHICLE_TYPES = new Map<string, never>();
/** The counts that are made of what a feed serves; those that it serves as they are stand in the value. */
const MADE = SUMMED_FIELDS.filter(({ from }) => from === "ours").map(
  ({ name }) => name,
) as (keyof CountsMade)[];

/** @param areaOfCode the area of a Vélib' station code, or null when the code tells none */
export function referenceReader(areaOfCode: (stationCode: string) => string | null): ReferenceReader {
  return (value, timestampMs): RawRecord | null => {
    const station = decodeStation(value, NO_VEHICLE_TYPES);
    if ("reason" in station || station.stationCode === null) return null;
    const area = areaOfCode(station.stationCode);
    const rule: AreaRule = area === null ? "unknown" : "station_code";
    const counts = Object.fromEntries(MADE.map((name) => [name, station[name]])) as unknown as CountsMade;
    return {
      ...(readFeedFields(value) as unknown as RawRecord),
      ...counts,
      systemId: DEFAULT_SYSTEM_ID,
      stationId: station.stationId,
      area: area ?? "unknown",
      areaRule: rule,
      observedAtMs: timestampMs,
      simulated: false,
      retired: false,
      value,
    };
  };
}

/** With the areas of Vélib'. One for all, so that a record that one stage has read is read for the others too. */
export const readVelibReference: ReferenceReader = referenceReader(areaOfVelibCode);
