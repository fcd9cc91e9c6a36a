/** Parts of the table of a station's fields: the lists that others go through, and the types that follow from the rows. */
import type { ValuesOf } from "./fields.ts";
import { STATION_FIELDS, type StationField } from "./station-fields.ts";

type Row = (typeof STATION_FIELDS)[number];

/** What a raw record says, by the names of the program. */
export type StationValues = ValuesOf<Row>;
/** The counts that the collector makes of what a feed serves. */
export type CountsMade = ValuesOf<Extract<Row, { readonly summed: true; readonly from: "ours" }>>;
/** The counts that are summed. */
export type Counts = ValuesOf<Extract<Row, { readonly summed: true }>>;
export type ObservationValues = ValuesOf<Extract<Row, { readonly partOf: "observation" }>>;
export type PlaceValues = ValuesOf<Extract<Row, { readonly partOf: "place" }>>;
export type InformationValues = ValuesOf<Extract<Row, { readonly from: "information" }>>;
/** What the archive stores of a record. */
export type StoredValues = ValuesOf<Extract<Row, { readonly column: string }>>;

type ServedRow = Extract<Row, { readonly served: string }>;
type ServedOf<R extends ServedRow> = { [F in R as F["served"]]: ValuesOf<F>[F["name"]] };
/** A station's observation as the API serves it. */
export type ServedObservation = ServedOf<Extract<ServedRow, { readonly partOf: "observation" }>>;
/** A station's place as the API serves it. */
export type ServedPlace = ServedOf<Extract<ServedRow, { readonly partOf: "place" }>>;

const ROWS: readonly StationField[] = STATION_FIELDS;

export const OBSERVATION_FIELDS = ROWS.filter(({ partOf }) => partOf === "observation");
export const PLACE_FIELDS = ROWS.filter(({ partOf }) => partOf === "place");
export const INFORMATION_FIELDS = ROWS.filter(({ from }) => from === "information");
/** In the order in which they decide between two observations of one instant. */
export const SUMMED_FIELDS = ROWS.filter(({ summed }) => summed === true);
/** What the sums of an area are made of. */
export const AGGREGATED_FIELDS = ROWS.filter(
  ({ summed, aggregated }) => summed === true || aggregated === true,
);
/** Their names in the program. */
export const SUMMED = SUMMED_FIELDS.map(({ name }) => name) as readonly (keyof Counts)[];
