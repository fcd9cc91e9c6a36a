/**
 * The raw record of topic `velib-projet`: the feed's own station object plus our normalised fields
 * (docs/contracts.md, "Raw record"). This file writes it and reads it back, from us or from strangers.
 */
import { blankOf, type FieldValue } from "./fields.ts";
import type { Counted } from "./counts.ts";
import { plainStationKey, stationKey } from "./keys.ts";
import { readFields } from "./read-fields.ts";
import type { AreaRule, Reject, StationInformation, StationStatus } from "./station.ts";
import { STATION_FIELDS, type StationField } from "./station-fields.ts";
import {
  INFORMATION_FIELDS,
  type Counts,
  type InformationValues,
  type StationValues,
} from "./station-parts.ts";

export const RAW_SCHEMA = "velostream.station.v1";

/**
 * An observation may be this far ahead of its record's time, and a record's time ahead of a reader's clock: what clocks
 * of machines that are looked after differ by at most. What is further ahead is from the future and supersedes nothing
 * (invariant 10): it would freeze its station until the clock has caught up.
 */
export const MOST_AHEAD_MS = 5 * 60_000;
/** Deeper values are no station's, and writing them out again would overrun the stack. */
const DEEPEST = 64;

/** What one raw record says, normalised: the fields of station-fields.ts, of which absent ones are null. */
export interface RawRecord extends Omit<StationValues, "areaRule"> {
  readonly areaRule: AreaRule | null;
  /** The value as parsed: the feed's own fields and ours. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** The part of a raw record that the sums need. */
export type Observation = Pick<
  RawRecord,
  keyof Counts | "systemId" | "stationId" | "area" | "observedAtMs" | "retired" | "simulated"
>;

/** What of an observation is summed: all but which station it is of, its counts side by side. */
export interface Share extends Counted, Omit<Observation, keyof Counts | "stationId"> {}

/** What a record tells of its station's place: enough to know it again under another id. */
export function informationOf(record: RawRecord): StationInformation | undefined {
  if (record.name === null && record.lat === null) return undefined;
  const known: Record<string, FieldValue> = { ...NO_INFORMATION, stationId: record.stationId };
  for (const name of INFORMATION) known[name] = record[name];
  return known as unknown as StationInformation;
}

const INFORMATION = INFORMATION_FIELDS.map(({ name }) => name) as readonly (keyof InformationValues)[];
const NO_INFORMATION = { ...blankOf(INFORMATION), stationCode: null, postCode: null, regionId: null };

export interface RawRecordInput {
  readonly systemId: string;
  readonly station: StationStatus;
  readonly information: StationInformation | undefined;
  readonly area: string;
  readonly areaRule: AreaRule;
  readonly slot: number;
  readonly observedAtMs: number;
  readonly simulated: boolean;
}

/**
 * The id as it stands in a record's value: a number where the feed serves a number, so that a consumer written against
 * the feed reads it by its own type. The text form is in the key.
 */
function servedId(stationId: string, isNumber: boolean): string | number {
  return isNumber ? Number(stationId) : stationId;
}

/** Whether an object, the feed's or a record's, has its `station_id` as a number: of `stationId`, to the last digit. */
export function servesNumericId(object: Readonly<Record<string, unknown>>, stationId: string): boolean {
  const served = object["station_id"];
  return typeof served === "number" && String(served) === stationId;
}

/** The JSON value of an observation. */
export function encodeRawRecord(input: RawRecordInput): string {
  return JSON.stringify(rawValue(input));
}

/** The value of an observation. Our fields win over the feed's of the same name. */
export function rawValue(input: RawRecordInput): Record<string, unknown> {
  const { station, information } = input;
  const value: Record<string, unknown> = { ...station.source };
  // A feed cannot retire a station or call itself real in our name.
  for (const key of MARKS) if (key in value) delete value[key];
  const made = input as unknown as Readonly<Record<string, unknown>>;
  const counted = station as unknown as Readonly<Record<string, unknown>>;
  const known = information as unknown as Readonly<Record<string, unknown>> | undefined;
  for (const { key, name, source } of WRITTEN) {
    if (source === SAID) value[key] = made[name];
    else if (source === COUNTED) value[key] = counted[name];
    else if (source === KNOWN) {
      const found = known?.[name] ?? null;
      if (found !== null) value[key] = found;
    } else if (source === MARKED) {
      if (made[name] === true) value[key] = true;
    } else value[key] = servedId(station.stationId, servesNumericId(station.source, station.stationId));
  }
  return value;
}

// Where a field's value comes from: what the collector says of the observation, the counts that it made of what the feed
// serves, what is known of the place, a mark, or the id as served.
const SAID = 0;
const COUNTED = 1;
const KNOWN = 2;
const MARKED = 3;
const SERVED_ID = 4;

interface WrittenField {
  readonly key: string;
  readonly name: string;
  readonly source: number;
}

/** Rows of one shape, for they are gone through with every record. */
function written({ key, name, type, from, summed }: StationField): WrittenField {
  if (name === "stationId") return { key, name, source: SERVED_ID };
  if (type === "mark") return { key, name, source: MARKED };
  if (from === "information") return { key, name, source: KNOWN };
  return { key, name, source: summed === true ? COUNTED : SAID };
}

const FIELDS: readonly StationField[] = STATION_FIELDS;
/** What the collector writes; the feed's own fields are there already. */
const WRITTEN = FIELDS.filter(({ from }) => from !== "feed").map(written);
const MARKS = WRITTEN.filter(({ source }) => source === MARKED).map(({ key }) => key);

export interface RetiredInput {
  readonly systemId: string;
  readonly stationId: string;
  /** The feed serves the id as a number. */
  readonly numericId: boolean;
  readonly area: string;
  readonly slot: number;
  readonly observedAtMs: number;
  readonly simulated: boolean;
}

/** The JSON value of a station's last record in an area: zero counts, `retired: true`. */
export function encodeRetiredRecord(input: RetiredInput): string {
  const made = { ...input, retired: true } as unknown as Readonly<Record<string, unknown>>;
  const value: Record<string, unknown> = {};
  for (const { key, name, type, from, summed } of FIELDS) {
    if (summed === true) value[key] = 0;
    else if (name === "stationId") value[key] = servedId(input.stationId, input.numericId);
    else if (from === "ours" && (type === "mark" ? made[name] === true : name in made))
      value[key] = made[name];
  }
  return JSON.stringify(value);
}

export type RawDecoding =
  | { readonly ok: true; readonly record: RawRecord }
  | { readonly ok: false; readonly reject: Reject };

/**
 * Understands the reference producer's records: the Vélib' station object alone, no key, none of our fields
 * (notes on the reference pipeline). Given by the caller because it needs the feed decoder and the area rules.
 */
export type ReferenceReader = (
  value: Readonly<Record<string, unknown>>,
  timestampMs: number,
) => RawRecord | null;

/**
 * Reads one raw value. Never throws: what cannot be used is a reject with its reason.
 * @param timestampMs the record's own timestamp, the observation time of records that carry none
 */
export function decodeRawRecord(
  key: string | null,
  text: string,
  timestampMs: number,
  readReference: ReferenceReader,
): RawDecoding {
  if (isDeep(text)) return rejected("too_deep", "$", null, text.slice(0, 1000));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return rejected("not_json", "$", null, text.slice(0, 1000));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return rejected("not_an_object", "$", null, value);
  }
  const fields = value as Record<string, unknown>;
  if (fields["postcode"] === undefined && fields["observed_at"] === undefined) {
    const record = readReference(fields, timestampMs);
    return record === null ? rejected("unknown_format", "$", null, value) : { ok: true, record };
  }
  const read = readFields(fields);
  if ("invalid" in read) return rejected("invalid_field", read.invalid, read.stationId, value);
  const { systemId, stationId, observedAtMs } = read;
  if (key !== null && key !== stationKey(systemId, stationId) && key !== plainStationKey(systemId, stationId))
    return rejected("key_mismatch", "station_id", stationId, value);
  if (observedAtMs > timestampMs + MOST_AHEAD_MS)
    return rejected("from_the_future", "observed_at", stationId, value);
  return { ok: true, record: read as RawRecord };
}

const OPENING = /[[{]/g;

/** Whether brackets are nested deeper than a station's; those inside strings count too, which costs nobody anything. */
function isDeep(text: string): boolean {
  // Most records have fewer brackets than that in all.
  OPENING.lastIndex = 0;
  for (let count = 0; count < DEEPEST; count += 1) if (!OPENING.test(text)) return false;
  let depth = 0;
  for (const character of text) {
    if (character === "[" || character === "{") depth += 1;
    else if (character === "]" || character === "}") depth -= 1;
    if (depth > DEEPEST) return true;
  }
  return false;
}

function rejected(reason: string, path: string, stationId: string | null, record: unknown): RawDecoding {
  return { ok: false, reject: { reason, path, stationId, record } };
}
