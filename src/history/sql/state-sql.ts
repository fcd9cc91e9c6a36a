/** The state that rows lead to, as SQL: what the reducers hold after them. */
import { SUMMED_FIELDS } from "../../record/station-parts.ts";

/**
 * Which row of one station is its state: the latest observation since its last tombstone, by the order of
 * record/observation-order.ts (what the aggregate holds).
 */
const STATION_RANK = `row(observed_at, event = 'observed', ${SUMMED_FIELDS.map(
  ({ name, column = name }) => `coalesce(${column}, -1)`,
).join(", ")}, coalesce(area, ''), log_offset)`;

/**
 * One row for each station, or area, that is there after all rows of `from`.
 * @param from a relation of `system` and the table's columns
 */
export function stateSql(table: "stations" | "areas", from: string, epochs: readonly number[]): string {
  const rows = `SELECT * FROM ${from} WHERE epoch IN (${[-1, ...epochs].join(", ")})`;
  if (table === "areas")
    return `SELECT * FROM (${rows})
      QUALIFY row_number() OVER (PARTITION BY system, epoch, area ORDER BY as_of DESC, log_offset DESC) = 1
        AND NOT removed`;
  const one = "PARTITION BY system, epoch, log_partition, station_id";
  return `SELECT * EXCLUDE (gone) FROM (
      SELECT *, max(CASE WHEN event = 'removed' THEN log_offset END) OVER (${one}) AS gone FROM (${rows})
    ) WHERE event <> 'removed' AND log_offset > coalesce(gone, -1)
    QUALIFY row_number() OVER (${one} ORDER BY ${STATION_RANK} DESC) = 1`;
}
