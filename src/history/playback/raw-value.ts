/** A row of the archive as the raw record that it was, with the fields that the archive keeps (docs/history.md). */
import { DEFAULT_SYSTEM_ID } from "../../record/keys.ts";
import type { StationRow } from "../files/rows.ts";

/** The JSON value of an observation, or of a last word. */
export function rawValue(row: StationRow): string {
  const retired = row.event === "retired";
  const feed = {
    ...(row.stationCode === null ? {} : { stationCode: row.stationCode }),
    ...(row.isInstalled === null ? {} : { is_installed: row.isInstalled }),
    ...(row.isRenting === null ? {} : { is_renting: row.isRenting }),
    ...(row.isReturning === null ? {} : { is_returning: row.isReturning }),
    ...(row.lastReportedMs === null ? {} : { last_reported: reported(row.lastReportedMs) }),
  };
  return JSON.stringify({
    ...(retired ? {} : feed),
    system_id: row.system,
    station_id: servedId(row),
    postcode: row.area,
    ...(row.slot === null ? {} : { slot: row.slot }),
    nbr_total: row.total,
    nbr_elec: row.electric,
    nbr_meca: row.mechanical,
    nbr_docks: row.docks,
    observed_at: row.observedAtMs,
    ...(row.areaRule === null ? {} : { area_rule: row.areaRule }),
    ...(row.name === null ? {} : { name: row.name }),
    ...(row.lat === null ? {} : { lat: row.lat }),
    ...(row.lon === null ? {} : { lon: row.lon }),
    ...(row.capacity === null ? {} : { capacity: row.capacity }),
    ...(retired ? { retired: true } : {}),
    ...(row.simulated ? { simulated: true } : {}),
  });
}

/** The archive keeps ids as text; Vélib' is known to serve numbers. */
function servedId({ system, stationId }: StationRow): string | number {
  return system === DEFAULT_SYSTEM_ID && /^[1-9]\d{0,14}$/.test(stationId) ? Number(stationId) : stationId;
}

/** Seconds, as feeds write it; text where it is no whole second. */
function reported(epochMs: number): number | string {
  return epochMs % 1000 === 0 ? epochMs / 1000 : new Date(epochMs).toISOString();
}
