/**
 * The totals as one SQL query over the stream of raw records: exact after every batch, in update mode, no watermark.
 *
 *   raw records ─▶ observations ─▶ per area: the latest of slot 0, of slot 1, … of slot K-1 ─▶ their sum ─▶ record
 *
 * A second streaming aggregate over a first one is only allowed in append mode, behind a watermark, which would delay
 * every total. So the station's place in its area, `slot`, becomes a column: `max` of a struct that starts with the
 * observation time is the latest observation, and `max` does not care about order, repetition or batches.
 * The struct's order is `supersedesObservation`'s (record/observation-order.ts).
 */
import { DEFAULT_SYSTEM_ID, SYSTEM_HEADER } from "../../record/keys.ts";
import { MOST_AHEAD_MS } from "../../record/raw-record.ts";
import { MOST_VALUE_BYTES } from "../../record/received-record.ts";
import { STATION_FIELDS, type StationField } from "../../record/station-fields.ts";
import { AGGREGATED_FIELDS, SUMMED_FIELDS } from "../../record/station-parts.ts";
import { SUMS, TOTALS_FIELDS } from "../../record/totals-fields.ts";

/** The largest area, in slots. Beyond this Spark plans each batch for seconds (bench/spark-totals.ts). */
export const MOST_SLOTS = 1024;

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
  /** The headers `schema` and `writer` of totals records. */
  readonly schema: string;
  readonly writer: string;
}

/** As JavaScript reads a JSON number: `1.0` is 1, and beyond 2^53 nothing is certain. */
const isCount = (field: string): string =>
  `(record.${field} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER} AND record.${field} = floor(record.${field}))`;
/** `STRING`, `BOOLEAN`, …: what stood in the JSON, for Spark would read a number as text as well. */
const typeOf = (field: string): string => `schema_of_variant(record.${field})`;
const textOf = (field: string): string =>
  `CASE WHEN ${typeOf(field)} = 'STRING' THEN variant_get(record.${field}, '$', 'string') END`;
/**
 * The text form of an id that is text, or a number as JavaScript reads it: `1.0` is 1, and beyond 2^53 nothing is certain.
 */
const idOf = (field: string): string => {
  const number = `try_variant_get(record.${field}, '$', 'double')`;
  return `CASE
        WHEN ${typeOf(field)} = 'STRING' THEN variant_get(record.${field}, '$', 'string')
        WHEN ${typeOf(field)} RLIKE '^(BIGINT|DECIMAL|DOUBLE|FLOAT)'
          AND abs(${number}) <= ${Number.MAX_SAFE_INTEGER} AND ${number} = floor(${number})
        THEN CAST(CAST(${number} AS BIGINT) AS STRING)
      END`;
};
/** As the codec of keys writes a part (record/keys.ts). */
const keyPart = (field: string): string => `replace(replace(${field}, '%', '%25'), ':', '%3A')`;
const isTrue = (field: string): string =>
  `coalesce(${typeOf(field)} = 'BOOLEAN' AND try_variant_get(record.${field}, '$', 'boolean'), false)`;

/** What is read of a record; `slot` is for queries alone. */
const READ: readonly StationField[] = (STATION_FIELDS as readonly StationField[]).filter(
  (field) => field.name === "slot" || AGGREGATED_FIELDS.includes(field),
);
const COUNTS = SUMMED_FIELDS;
/** The count of an observation, -1 where it is not known: the lowest. */
const countOf = ({ key, from, required }: StationField): string => {
  if (required === true) return `CAST(record.${key} AS BIGINT)`;
  if (from !== "feed") return `coalesce(CAST(record.${key} AS BIGINT), -1L)`;
  const served = `try_variant_get(record.${key}, '$', 'double')`;
  return `CASE WHEN ${served} BETWEEN 0 AND ${Number.MAX_SAFE_INTEGER} AND ${served} = floor(${served})
      THEN CAST(${served} AS BIGINT) ELSE -1L END`;
};

/** Why an observation cannot be used here, as decodeRawRecord and this plan see it; NULL when it can. */
const PROBLEM = `CASE
      WHEN record IS NULL OR parsed._corrupt IS NOT NULL OR NOT coalesce(parsed.whole, false) THEN 'invalid'
      WHEN record.postcode IS NULL AND record.observed_at IS NULL THEN 'reference'
      WHEN coalesce(system_id, '') = '' OR coalesce(station_id, '') = '' THEN 'invalid'
      WHEN coalesce(postcode, '') = '' THEN 'invalid'
      WHEN key IS NULL OR key NOT IN (
        concat(${keyPart("system_id")}, ':', ${keyPart("station_id")}), concat(system_id, ':', station_id)
      ) THEN 'invalid'
      WHEN record.observed_at > stamped_at + ${MOST_AHEAD_MS} THEN 'from_the_future'
      WHEN NOT coalesce(${[
        "observed_at",
        ...COUNTS.filter(({ required }) => required === true).map(({ key }) => key),
      ]
        .map(isCount)
        .join(" AND ")}, false) THEN 'invalid'
      WHEN NOT ${COUNTS.filter(({ required, from }) => required !== true && from !== "feed")
        .map(({ key }) => `coalesce(${isCount(key)}, true)`)
        .join(" OR NOT ")} THEN 'invalid'
      WHEN NOT coalesce(${isCount("slot")}, false) THEN 'no_slot'
      WHEN record.slot >= ${MOST_SLOTS} THEN 'slot_too_large'
    END`;

/** What is not a number for certain is read as what it is: Spark gives up a record with another type in it. */
const RECORD_SCHEMA = READ.map(({ key, type, from }) => {
  const isNumber = from !== "feed" && (type === "count" || type === "time");
  return `${key}: ${isNumber ? "DOUBLE" : "VARIANT"}`;
}).join(", ");
/**
 * Spark stops reading at the end of the first JSON value, whatever follows it. So the record is put into an object of
 * ours: what follows it makes that one no JSON, or leaves it without its last field.
 */
const ENVELOPE = `CASE WHEN length(value) <= ${MOST_VALUE_BYTES} THEN concat('{"record":', CAST(value AS STRING), ',"whole":true}') END`;
const ENVELOPE_SCHEMA = `record STRUCT<${RECORD_SCHEMA}>, whole BOOLEAN, _corrupt STRING`;
/** JSON as JSON.parse reads it: Spark by itself forgives more. */
const JSON_OPTIONS = Object.entries({
  mode: "PERMISSIVE",
  columnNameOfCorruptRecord: "_corrupt",
  allowSingleQuotes: "false",
  allowNonNumericNumbers: "false",
})
  .map(([name, value]) => `'${name}', '${value}'`)
  .join(", ");

/** Raw Kafka rows to observations. Tombstones are left out: a retirement went before each. */
export function observationsSql(): string {
  return `SELECT
  partition, offset, system_id, postcode,
  CAST(record.slot AS BIGINT) AS slot,
  CAST(record.observed_at AS BIGINT) AS observed_at,
  named_struct(
    'observed_at', CAST(record.observed_at AS BIGINT),
    'live', NOT ${isTrue("retired")},
    ${COUNTS.map((field) => `'${field.name}', ${countOf(field)},`).join("\n    ")}
    'simulated', ${isTrue("simulated")}
  ) AS observation,
  problem
FROM (
  SELECT *, ${PROBLEM} AS problem
  FROM (
    SELECT *,
      ${textOf("system_id")} AS system_id,
      ${idOf("station_id")} AS station_id,
      ${textOf("postcode")} AS postcode
    FROM (
      SELECT *, parsed.record AS record
      FROM (
        SELECT partition, offset, CAST(key AS STRING) AS key, unix_millis(timestamp) AS stamped_at,
          from_json(${ENVELOPE}, '${ENVELOPE_SCHEMA}', map(${JSON_OPTIONS})) AS parsed
        FROM ${RAW_VIEW}
        WHERE value IS NOT NULL
      )
    )
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
export function totalsSql({ slots, partitions, floors, schema, writer }: TotalsPlan): string {
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
    ${SUMS.map(({ key, sumOf: name, required }) => `${(required === true ? sumOf : sumWhereKnown)(name)} AS ${key},`).join("\n    ")}
    size(filter(stations, s -> s.electric < 0 OR s.mechanical < 0)) AS without_split
  FROM present
),
encoded AS (
  SELECT *, to_json(
    named_struct(
      ${TOTALS_FIELDS.filter(({ unless }) => unless === undefined)
        .map(({ key }) => `'${key}', ${key === "stations" ? "size(stations)" : key}`)
        .join(",\n      ")}
    ),
    map('ignoreNullFields', 'false')
  ) AS json
  FROM summed
)
SELECT
  concat(
    CASE WHEN system_id = '${DEFAULT_SYSTEM_ID}' THEN '' ELSE concat(${keyPart("system_id")}, ':') END,
    ${keyPart("postcode")}
  ) AS key,
  CASE WHEN size(stations) > 0 THEN concat(
    substring(json, 1, length(json) - 1),
    CASE WHEN without_split > 0 THEN concat(',"stations_without_split":', without_split) ELSE '' END,
    CASE WHEN simulated THEN ',"simulated":true' ELSE '' END,
    '}'
  ) END AS value,
  filter(
    array(
      named_struct('key', 'schema', 'value', CAST('${schema}' AS BINARY)),
      named_struct('key', 'writer', 'value', unhex('${Buffer.from(writer).toString("hex")}')),
      named_struct('key', 'through', 'value', CAST(concat(partition, ':', offset) AS BINARY)),
      named_struct(
        'key', '${SYSTEM_HEADER}',
        'value', CASE WHEN size(stations) = 0 THEN CAST(system_id AS BINARY) END
      )
    ),
    header -> header.value IS NOT NULL
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
