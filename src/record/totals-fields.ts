/**
 * The fields of an area's totals, one row each, as STATION_FIELDS has those of a station. From it are made: the totals
 * record and its reader, the API's area, the rows of the archive, and the tables of the documentation.
 */
import type { Field, FieldValue, ValuesOf } from "./fields.ts";
import { DEFAULT_SYSTEM_ID } from "./keys.ts";
import type { Counts } from "./station-parts.ts";

export interface TotalsField extends Field {
  /** The sum of this field of a station (station-fields.ts) over the stations that say; null when none does. */
  readonly sumOf?: keyof Counts;
  /** What a record without it is taken to say. */
  readonly otherwise?: FieldValue;
  /** It is not written when it is this. */
  readonly unless?: FieldValue;
  /** What a station's field of the same thing is called: SQL takes either name. */
  readonly alias?: string;
}

/** In the record's order: the first four are the reference pipeline's and stay first. */
const ROWS = [
  { key: "postcode", name: "area", type: "text", required: true, column: "area", about: "the area" },
  {
    key: "nbr_total",
    name: "total",
    type: "count",
    required: true,
    sumOf: "total",
    column: "total",
    about: "sum of the latest observation of each of its stations",
  },
  {
    key: "nbr_elec",
    name: "electric",
    type: "count",
    sumOf: "electric",
    column: "electric",
    about: "sum over the stations whose split is known; null when none is",
  },
  {
    key: "nbr_meca",
    name: "mechanical",
    type: "count",
    sumOf: "mechanical",
    column: "mechanical",
    about: "sum over the stations whose split is known; null when none is",
  },
  {
    key: "system_id",
    name: "systemId",
    type: "text",
    required: true,
    otherwise: DEFAULT_SYSTEM_ID,
    about: "the system that the area is of",
  },
  {
    key: "stations",
    name: "stations",
    type: "count",
    required: true,
    otherwise: 0,
    column: "stations",
    about: "how many are summed",
  },
  {
    key: "docks",
    name: "docks",
    type: "count",
    sumOf: "docks",
    column: "docks",
    alias: "nbr_docks",
    about: "free docks; null when no station says",
  },
  {
    key: "as_of",
    name: "asOfMs",
    type: "time",
    required: true,
    otherwise: 0,
    column: "as_of",
    about: "newest `observed_at` that the totals reflect",
  },
  {
    key: "stations_without_split",
    name: "stationsWithoutSplit",
    type: "count",
    required: true,
    otherwise: 0,
    unless: 0,
    column: "stations_without_split",
    about: "of the stations, those that do not tell electric from mechanical",
  },
  {
    key: "simulated",
    name: "simulated",
    type: "mark",
    unless: false,
    column: "simulated",
    about: "the feed labels itself simulated",
  },
] as const satisfies readonly TotalsField[];

type Row = (typeof ROWS)[number];

/** One area's totals, by the names of the program. */
export type TotalsValues = ValuesOf<Row>;
/** The sums among them. */
export type Sums = ValuesOf<Extract<Row, { readonly sumOf: string }>>;
/** What the archive stores of them. */
export type StoredTotals = ValuesOf<Extract<Row, { readonly column: string }>>;
/** As the record and the API have them. */
export type ServedTotals = { [F in Row as F["key"]]: ValuesOf<F>[F["name"]] };

/** The sums alone. */
export type ServedSums = {
  [F in Extract<Row, { readonly sumOf: string }> as F["key"]]: ValuesOf<F>[F["name"]];
};

export const TOTALS_FIELDS: readonly TotalsField[] = ROWS;
export const SUMS = TOTALS_FIELDS.filter(({ sumOf }) => sumOf !== undefined) as readonly (TotalsField & {
  readonly name: keyof Sums;
  readonly sumOf: keyof Counts;
})[];
