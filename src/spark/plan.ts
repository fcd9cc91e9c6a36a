/**
 * The totals as one SQL query over the stream of raw records: exact after every batch, in update mode, no watermark.
 *
 *   raw records ─▶ observations ─▶ per area: the latest of slot 0, of slot 1, … of slot K-1 ─▶ their sum ─▶ record
 *
 * A second streaming aggregate over a first one is only allowed in append mode, behind a watermark, which would delay
 * every total. So the station's place in its area, `slot`, becomes a column: `max` of a struct that starts with the
 * observation time is the latest observation, and `max` does not care about order, repetition or batches.
 * The struct's order is `supersedesObservation`'s (domain/observation-order.ts).
 */
import { DEFAULT_SYSTEM_ID } from "../domain/raw-record.ts";

/** Name of the view over the raw topic that the query reads. */
export const RAW_VIEW = "velostream_raw";
/** Name of the view of decoded observations. */
export const OBSERVATIONS_VIEW = "velostream_observations";
/** Under this name a batch's progress reports OBSERVED. */
export const OBSERVATION = "velostream";

export interface TotalsPlan {
  /** K: records with a slot of K or more are reported, and their areas held back. */
  readonly slots: number;
  /** Partitions of the raw topic. */
  readonly partitions: number;
  /**
   * Per partition the last raw offset that the first batch covers for certain: `through` is never less. Compaction
   * may have taken the newest record of an area, and readers must not take its totals for older than they are.
   */
  readonly floors: readonly number[];
  /** The header `schema` of totals records. */
  readonly schema: string;
}

/** Why an observation cannot be used here, as decodeRawRecord and this plan see it; NULL when it can. */
const PROBLEM = `CASE
      WHEN record IS NULL OR record._corrupt IS NOT NULL THEN 'invalid'
      WHEN record.postcode IS NULL AND record.observed_at IS NULL THEN 'reference'
      WHEN coalesce(record.system_id, '') = '' OR coalesce(record.station_id, '') = '' THEN 'invalid'
      WHEN coalesce(record.postcode, '') = '' THEN 'invalid'
      WHEN key IS NULL OR key <> concat(record.system_id, ':', record.station_id) THEN 'invalid'
      WHEN coalesce(record.observed_at, -1) < 0 OR coalesce(record.nbr_total, -1) < 0 THEN 'invalid'
      WHEN record.nbr_elec < 0 OR record.nbr_meca < 0 OR record.nbr_docks < 0 THEN 'invalid'
      WHEN coalesce(record.slot, -1) < 0 THEN 'no_slot'
    END`;

const RECORD_SCHEMA = [
  "system_id STRING",
  "station_id STRING",
  "postcode STRING",
  "slot BIGINT",
  "nbr_total BIGINT",
  "nbr_elec BIGINT",
  "nbr_meca BIGINT",
  "nbr_docks BIGINT",
  "observed_at BIGINT",
  // Text, so that a stranger's `"retired": 1` is no corrupt record: only `true` counts.
  "retired STRING",
  "simulated STRING",
  "_corrupt STRING",
].join(", ");

/** Raw Kafka rows to observations. Tombstones are left out: a retirement went before each. */
export function observationsSql(): string {
  return `SELECT
  partition, offset,
  record.system_id, record.postcode, record.slot, record.observed_at,
  named_struct(
    'observed_at', record.observed_at,
    'live', coalesce(record.retired, '') <> 'true',
    'total', record.nbr_total,
    'electric', coalesce(record.nbr_elec, -1),
    'mechanical', coalesce(record.nbr_meca, -1),
    'docks', coalesce(record.nbr_docks, -1),
    'simulated', coalesce(record.simulated, '') = 'true'
  ) AS observation,
  problem
FROM (
  SELECT partition, offset, record, ${PROBLEM} AS problem
  FROM (
    SELECT partition, offset, CAST(key AS STRING) AS key,
      from_json(
        CAST(value AS STRING),
        '${RECORD_SCHEMA}',
        map('mode', 'PERMISSIVE', 'columnNameOfCorruptRecord', '_corrupt')
      ) AS record
    FROM ${RAW_VIEW}
    WHERE value IS NOT NULL
  )
)`;
}

/** What each batch's progress tells of the records it read. */
export const OBSERVED = [
  "count(1) AS records",
  "count_if(problem IS NOT NULL) AS rejected",
  "count_if(problem = 'reference') AS reference",
  "count_if(problem = 'no_slot') AS without_slot",
  "max(CASE WHEN problem IS NULL THEN slot END) AS max_slot",
  "max(CASE WHEN problem IS NULL THEN partition END) AS max_partition",
] as const;

/** Observations to totals records: columns `key`, `value`, `headers`, as Spark's Kafka sink takes them. */
export function totalsSql({ slots, partitions, floors, schema }: TotalsPlan): string {
  const slotColumns = indexes(slots).map((slot) => `max(observation) FILTER (WHERE slot = ${slot})`);
  const offsetColumns = indexes(partitions).map((p) => `max(offset) FILTER (WHERE partition = ${p})`);
  const floorValues = indexes(partitions).map((partition) => `${floors[partition] ?? -1}L`);
  return `WITH latest AS (
  SELECT system_id, postcode,
    array(
      ${slotColumns.join(",\n      ")}
    ) AS slots,
    array(
      ${offsetColumns.join(",\n      ")}
    ) AS offsets,
    max(named_struct('observed_at', observed_at, 'partition', partition)) AS newest
  FROM ${OBSERVATIONS_VIEW}
  WHERE problem IS NULL
  GROUP BY system_id, postcode
  HAVING max(slot) < ${slots} AND max(partition) < ${partitions}
),
present AS (
  SELECT system_id, postcode,
    filter(slots, s -> s.live) AS stations,
    exists(slots, s -> s.simulated) AS simulated,
    newest.observed_at AS as_of,
    newest.partition AS partition,
    greatest(offsets[newest.partition], array(${floorValues.join(", ")})[newest.partition]) AS offset
  FROM latest
),
summed AS (
  SELECT *,
    ${sumOf("total")} AS nbr_total,
    ${sumWhereKnown("electric")} AS nbr_elec,
    ${sumWhereKnown("mechanical")} AS nbr_meca,
    ${sumWhereKnown("docks")} AS docks,
    size(filter(stations, s -> s.electric < 0 OR s.mechanical < 0)) AS without_split
  FROM present
),
encoded AS (
  SELECT *, to_json(
    named_struct(
      'postcode', postcode,
      'nbr_total', nbr_total,
      'nbr_elec', nbr_elec,
      'nbr_meca', nbr_meca,
      'system_id', system_id,
      'stations', size(stations),
      'docks', docks,
      'as_of', as_of
    ),
    map('ignoreNullFields', 'false')
  ) AS json
  FROM summed
)
SELECT
  CASE WHEN system_id = '${DEFAULT_SYSTEM_ID}' THEN postcode ELSE concat(system_id, ':', postcode) END AS key,
  CASE WHEN size(stations) > 0 THEN concat(
    substring(json, 1, length(json) - 1),
    CASE WHEN without_split > 0 THEN concat(',"stations_without_split":', without_split) ELSE '' END,
    CASE WHEN simulated THEN ',"simulated":true' ELSE '' END,
    '}'
  ) END AS value,
  array(
    named_struct('key', 'schema', 'value', CAST('${schema}' AS BINARY)),
    named_struct('key', 'through', 'value', CAST(concat(partition, ':', offset) AS BINARY))
  ) AS headers
FROM encoded`;
}

function sumOf(field: string): string {
  return `aggregate(stations, 0L, (sum, s) -> sum + s.${field})`;
}

/** -1 stands for unknown: NULL when no station says. */
function sumWhereKnown(field: string): string {
  return `CASE WHEN exists(stations, s -> s.${field} >= 0)
      THEN aggregate(stations, 0L, (sum, s) -> sum + greatest(s.${field}, 0L)) END`;
}

function indexes(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index);
}
