/**
 * The fields of a station, one row each: how each is called in the raw record, in the program, in the archive and in the
 * API, and what is made of it. A new field is a new row here and nothing else:
 *
 *   STATION_FIELDS ─┬─▶ raw record: encoder, decoder, byte scan, digests, order, last words   (record/)
 *                   ├─▶ sums of an area, together with a row of TOTALS_FIELDS                 (record/totals-fields.ts)
 *                   ├─▶ live station, event stream, API schema, the page's type               (domain/, http/, web/)
 *                   ├─▶ rows of the archive: journal, Parquet, SQL, playback                  (history/)
 *                   ├─▶ Spark's query                                                         (spark/)
 *                   └─▶ the tables of docs/contracts.md, docs/history.md and docs/api.md      (npm run docs)
 */
import type { Field } from "./fields.ts";

export interface StationField extends Field {
  /** `feed`: stands in the record as the feed serves it. `information`: of `station_information`. `ours`: made here. */
  readonly from: "feed" | "information" | "ours";
  /** `observation`: what a poll sees. `place`: what rarely changes. `record`: what only writers and sums look at. */
  readonly partOf: "observation" | "place" | "record";
  /**
   * Summed over an area. Of two observations of one instant the greater counts, by these fields in the table's order, null
   * lowest; a station's last word has 0. Nothing else than a count or null may stand there.
   */
  readonly summed?: true;
  /** The sums of an area need it: the byte scan and Spark read it, beside what is summed. */
  readonly aggregated?: true;
  /** False: its movement alone is no change of the station. */
  readonly content?: false;
  /** Its name in the API; absent: it is not served. */
  readonly served?: string;
  /** Many stations have the same text: one is kept for all. */
  readonly repeats?: true;
}

export const STATION_FIELDS = [
  {
    key: "system_id",
    name: "systemId",
    type: "text",
    required: true,
    from: "ours",
    partOf: "place",
    aggregated: true,
    served: "system_id",
    repeats: true,
    about: "the system's id: `velib` for Vélib' Métropole, else the feed's",
  },
  {
    key: "station_id",
    name: "stationId",
    type: "id",
    required: true,
    from: "ours",
    partOf: "place",
    aggregated: true,
    content: false,
    column: "station_id",
    served: "station_id",
    about:
      "its id: text in keys, API and archive; in records as the feed serves it (Vélib' serves numbers, above int32; records that were written before 2026-12 have text everywhere; readers take both)",
  },
  {
    key: "postcode",
    name: "area",
    type: "text",
    required: true,
    from: "ours",
    partOf: "place",
    aggregated: true,
    content: false,
    column: "area",
    served: "postcode",
    repeats: true,
    about: "the area, by name: a postal code for Vélib'",
  },
  {
    key: "slot",
    name: "slot",
    type: "count",
    from: "ours",
    partOf: "record",
    content: false,
    column: "slot",
    about:
      "the station's place in its area: smallest free one, kept for life; lets a SQL engine sum without nested state",
  },
  {
    key: "nbr_total",
    name: "total",
    type: "count",
    required: true,
    from: "ours",
    partOf: "observation",
    summed: true,
    column: "total",
    served: "nbr_total",
    about: "the feed's own total",
  },
  {
    key: "nbr_elec",
    name: "electric",
    type: "count",
    from: "ours",
    partOf: "observation",
    summed: true,
    column: "electric",
    served: "nbr_elec",
    about: "electric ones; null where the feed does not say, never invented",
  },
  {
    key: "nbr_meca",
    name: "mechanical",
    type: "count",
    from: "ours",
    partOf: "observation",
    summed: true,
    column: "mechanical",
    served: "nbr_meca",
    about: "mechanical ones; null where the feed does not say, never invented",
  },
  {
    key: "nbr_docks",
    name: "docks",
    type: "count",
    from: "ours",
    partOf: "observation",
    summed: true,
    column: "docks",
    served: "nbr_docks",
    about: "free docks",
  },
  {
    key: "is_installed",
    name: "isInstalled",
    type: "flag",
    from: "feed",
    partOf: "observation",
    column: "is_installed",
    served: "is_installed",
    about: "whether the station is there, by its own word",
  },
  {
    key: "is_renting",
    name: "isRenting",
    type: "flag",
    from: "feed",
    partOf: "observation",
    column: "is_renting",
    served: "is_renting",
    about: "whether it rents, by its own word",
  },
  {
    key: "is_returning",
    name: "isReturning",
    type: "flag",
    from: "feed",
    partOf: "observation",
    column: "is_returning",
    served: "is_returning",
    about: "whether it takes returns, by its own word",
  },
  {
    key: "last_reported",
    name: "lastReportedMs",
    type: "time",
    from: "feed",
    partOf: "observation",
    // Publishers refresh it in bulk (Vélib') or at every poll (Oslo), and change counts without moving it.
    content: false,
    column: "last_reported",
    served: "last_reported",
    about: "what the station claims; informative only",
  },
  {
    key: "observed_at",
    name: "observedAtMs",
    type: "time",
    required: true,
    from: "ours",
    partOf: "observation",
    aggregated: true,
    content: false,
    column: "observed_at",
    served: "observed_at",
    about: "when the fetch completed that brought this content",
  },
  {
    key: "area_rule",
    name: "areaRule",
    type: "text",
    from: "ours",
    partOf: "place",
    content: false,
    column: "area_rule",
    served: "area_rule",
    repeats: true,
    about: "which rule gave the area",
  },
  {
    key: "stationCode",
    name: "stationCode",
    type: "id",
    from: "feed",
    partOf: "place",
    column: "station_code",
    served: "station_code",
    about: "the number painted on the station (Vélib')",
  },
  {
    key: "name",
    name: "name",
    type: "text",
    from: "information",
    partOf: "place",
    column: "name",
    served: "name",
    about: "the station's name, where known",
  },
  {
    key: "lat",
    name: "lat",
    type: "degrees",
    from: "information",
    partOf: "place",
    column: "lat",
    served: "lat",
    about: "degrees north, WGS 84, where known",
  },
  {
    key: "lon",
    name: "lon",
    type: "degrees",
    from: "information",
    partOf: "place",
    column: "lon",
    served: "lon",
    about: "degrees east, WGS 84, where known",
  },
  {
    key: "capacity",
    name: "capacity",
    type: "count",
    from: "information",
    partOf: "place",
    column: "capacity",
    served: "capacity",
    about: "docks and bikes that the station is built for, where known",
  },
  {
    key: "retired",
    name: "retired",
    type: "mark",
    from: "ours",
    partOf: "record",
    aggregated: true,
    about: "it is the station's last word",
  },
  {
    key: "simulated",
    name: "simulated",
    type: "mark",
    from: "ours",
    partOf: "place",
    aggregated: true,
    column: "simulated",
    served: "simulated",
    about: "the feed labels itself simulated",
  },
] as const satisfies readonly StationField[];
