/**
 * The fields of a raw record's value, each read as its row of the table says: ours exactly, for a record that has another
 * thing there is not one of ours; the feed's own as GBFS and its dialects write them.
 */
import { asBoolean, asCount, asId, asNumber, asText, asTimeMs } from "./feed-values.ts";
import { blankOf, type FieldType, type FieldValue } from "./fields.ts";
import { STATION_FIELDS, type StationField } from "./station-fields.ts";
import type { StationValues } from "./station-parts.ts";

/** What a value says, and the value itself. */
export type ReadValues = StationValues & { readonly value: Readonly<Record<string, unknown>> };

type Reader = (served: unknown) => FieldValue;

const isTrue = (served: unknown): boolean => served === true;

const AS_FEEDS_WRITE: Readonly<Record<FieldType, Reader>> = {
  text: asText,
  id: asId,
  count: asCount,
  degrees: asNumber,
  flag: asBoolean,
  time: asTimeMs,
  mark: isTrue,
};

const EXACTLY: Readonly<Record<FieldType, Reader>> = {
  text: (served) => (typeof served === "string" && served !== "" ? served : null),
  id: (served) => {
    if (typeof served === "string") return served === "" ? null : served;
    return typeof served === "number" && Number.isSafeInteger(served) ? String(served) : null;
  },
  count: countOf,
  degrees: (served) => (typeof served === "number" ? served : null),
  flag: (served) => (typeof served === "boolean" ? served : null),
  time: countOf,
  mark: isTrue,
};

function countOf(served: unknown): number | null {
  return typeof served === "number" && Number.isSafeInteger(served) && served >= 0 ? served : null;
}

interface ReadField {
  readonly key: string;
  readonly name: string;
  readonly read: Reader;
  readonly required: boolean;
  /** Something else than a count would be summed wrong: no value will do, but another kind of value will not. */
  readonly strict: boolean;
}

const FIELDS = (STATION_FIELDS as readonly StationField[]).map(
  ({ key, name, type, from, required, summed }): ReadField => ({
    key,
    name,
    read: (from === "feed" ? AS_FEEDS_WRITE : EXACTLY)[type],
    required: required === true,
    strict: summed === true && from !== "feed",
  }),
);

const BLANK = { ...blankOf(FIELDS.map(({ name }) => name)), value: null };

/** What a value says; or the first field that makes it none of ours, and the station as far as it was read by then. */
export function readFields(
  value: Readonly<Record<string, unknown>>,
): ReadValues | { readonly invalid: string; readonly stationId: string | null } {
  const record: Record<string, unknown> = { ...BLANK };
  for (const { key, name, read, required, strict } of FIELDS) {
    const served = value[key];
    const found = read(served);
    if (found === null && (required || (strict && served !== undefined && served !== null)))
      return { invalid: key, stationId: record["stationId"] as string | null };
    record[name] = found;
  }
  record["value"] = value;
  return record as unknown as ReadValues;
}

/** Of a value of the feed's alone: what the table reads of it as the feed writes it, and nothing else. */
export function readFeedFields(
  value: Readonly<Record<string, unknown>>,
): Readonly<Record<string, FieldValue>> {
  const found: Record<string, FieldValue> = { ...blankOf(FIELDS.map(({ name }) => name)) };
  for (const { key, name, read } of OF_FEED) found[name] = read(value[key]);
  return found;
}

const OF_FEED = FIELDS.filter((_, at) => (STATION_FIELDS as readonly StationField[])[at]?.from === "feed");
