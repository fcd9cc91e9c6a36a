/** A row of the archive as the raw record that it was, with the fields that the archive keeps (docs/history.md). */
import type { FieldValue } from "../../record/fields.ts";
import { DEFAULT_SYSTEM_ID } from "../../record/keys.ts";
import { STATION_FIELDS, type StationField } from "../../record/station-fields.ts";
import type { StationRow } from "../files/rows.ts";

/** The JSON value of an observation, or of a last word. */
export function rawValue(row: StationRow): string {
  const retired = row.event === "retired";
  const stored = row as unknown as Readonly<Record<string, FieldValue>>;
  const said: Readonly<Record<string, FieldValue>> = {
    ...stored,
    systemId: row.system,
    stationId: servedId(row),
    retired,
  };
  const value: Record<string, FieldValue> = {};
  // The feed's own fields stand first in a record, as its object was.
  for (const { key, name, type, from, summed } of FEED_FIRST) {
    const known = said[name] ?? null;
    if (type === "mark" ? known !== true : known === null && summed !== true) continue;
    if (from === "feed" && retired) continue;
    value[key] = from === "feed" && type === "time" && known !== null ? reported(known as number) : known;
  }
  return JSON.stringify(value);
}

const FIELDS: readonly StationField[] = STATION_FIELDS;
const FEED_FIRST = [
  ...FIELDS.filter(({ from }) => from === "feed"),
  ...FIELDS.filter(({ from }) => from !== "feed"),
];

/** The archive keeps ids as text; Vélib' is known to serve numbers. */
function servedId({ system, stationId }: StationRow): string | number {
  return system === DEFAULT_SYSTEM_ID && /^[1-9]\d{0,14}$/.test(stationId) ? Number(stationId) : stationId;
}

/** Seconds, as feeds write it; text where it is no whole second. */
function reported(epochMs: number): number | string {
  return epochMs % 1000 === 0 ? epochMs / 1000 : new Date(epochMs).toISOString();
}
