/** The tables of fields (record/) as parts of the API's schemas. */
import { z } from "zod";
import type { Field, FieldType } from "../record/fields.ts";
import type { StationField } from "../record/station-fields.ts";
import { SUMS, TOTALS_FIELDS, type ServedSums, type ServedTotals } from "../record/totals-fields.ts";

const TYPES: Readonly<Record<FieldType, () => z.ZodType>> = {
  text: () => z.string(),
  id: () => z.string(),
  count: () => z.int().nonnegative(),
  degrees: () => z.number(),
  flag: () => z.boolean(),
  time: () => z.int().nonnegative(),
  mark: () => z.boolean(),
};

function schemaOf({ type, required, about }: Field): z.ZodType {
  const schema = TYPES[type]();
  const whole = required === true || type === "mark" ? schema : schema.nullable();
  return whole.describe(sentence(about, type));
}

/** As the documentation's tables say it, of one's own. */
function sentence(about: string, type: FieldType): string {
  const text = `${type === "mark" ? "true when " : ""}${about.replaceAll("`", "")}`;
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${type === "time" ? ", epoch milliseconds" : ""}.`;
}

/** The schema of each field by its name, so that a schema made of them has the types that the tables give. */
type Shape<T> = { readonly [K in keyof T]: z.ZodType<T[K]> };

/** Those of `fields` that the API serves. */
export function stationShape<T>(fields: readonly StationField[]): Shape<T> {
  const served = fields.flatMap((field) =>
    field.served === undefined ? [] : [[field.served, schemaOf(field)] as const],
  );
  return Object.fromEntries(served) as unknown as Shape<T>;
}

export function totalsShape(): Shape<ServedTotals> {
  return Object.fromEntries(
    TOTALS_FIELDS.map((field) => [field.key, schemaOf(field)]),
  ) as unknown as Shape<ServedTotals>;
}

/** The sums over a system's areas, as each of them has its own. */
export function sumsShape(): Shape<ServedSums> {
  return Object.fromEntries(
    SUMS.map((field) => [field.key, schemaOf(field)]),
  ) as unknown as Shape<ServedSums>;
}
