/**
 * The tables of fields in docs/contracts.md, docs/history.md and docs/api.md, made from STATION_FIELDS and TOTALS_FIELDS
 * (src/record/): each stands in its page between two marks, and the rest of the page is written by hand.
 *
 *   <!-- fields: raw --> … <!-- end of fields -->
 */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { columnsOf, otherNames, SYSTEM_COLUMN } from "../src/history/files/rows.ts";
import { Area, Station } from "../src/http/api-schemas.ts";
import type { Field } from "../src/record/fields.ts";
import { STATION_FIELDS, type StationField } from "../src/record/station-fields.ts";
import { TOTALS_FIELDS, type TotalsField } from "../src/record/totals-fields.ts";

type Table = readonly string[];

const TABLES: Readonly<Record<string, () => Table>> = {
  raw: () => recordTable((STATION_FIELDS as readonly StationField[]).filter(({ from }) => from !== "feed")),
  totals: () => recordTable(TOTALS_FIELDS),
  "sql stations": () => sqlTable("stations", STATION_FIELDS),
  "sql areas": () => sqlTable("areas", TOTALS_FIELDS),
  "api area": () => apiTable(Area),
  "api station": () => apiTable(Station),
};

const PAGES = ["docs/contracts.md", "docs/history.md", "docs/api.md"];
const SECTION = /<!-- fields: ([\w ]+) -->\n[^]*?<!-- end of fields -->/g;

/** Path in the repository → content. */
export function fieldPages(): ReadonlyMap<string, string> {
  const missing = new Set(Object.keys(TABLES));
  const pages = PAGES.map((path) => {
    const page = readFileSync(new URL(`../${path}`, import.meta.url), "utf8");
    const made = page.replace(SECTION, (_, name: string) => {
      const table = TABLES[name];
      if (table === undefined) throw new Error(`${path}: there is no table of fields "${name}"`);
      missing.delete(name);
      return `<!-- fields: ${name} -->\n\n${table().join("\n")}\n\n<!-- end of fields -->`;
    });
    return [path, made] as const;
  });
  if (missing.size > 0) throw new Error(`No page has the table of fields "${[...missing].join('", "')}"`);
  return new Map(pages);
}

type AnyField = Field & Partial<Pick<StationField, "from" | "summed"> & Pick<TotalsField, "unless">>;

function recordTable(fields: readonly AnyField[]): Table {
  return [
    "| field | type | meaning |",
    "| --- | --- | --- |",
    ...fields.map((field) => `| \`${field.key}\` | ${recordType(field)} | ${recordMeaning(field)} |`),
  ];
}

const RECORD_TYPES: Readonly<Record<Field["type"], string>> = {
  text: "string",
  id: "number or string",
  count: "integer",
  degrees: "number",
  flag: "boolean",
  time: "integer",
  mark: "true",
};

function recordType({ type, required, from, summed }: AnyField): string {
  // What the collector says of its own accord it always says; counts of a feed may be unknown.
  const always =
    required === true || type === "mark" || from === "information" || (from === "ours" && summed !== true);
  return `${RECORD_TYPES[type]}${always ? "" : " or null"}`;
}

function recordMeaning({ type, about, from, unless }: AnyField): string {
  if (type === "mark") return `only when ${about}`;
  const time = type === "time" ? "epoch ms: " : "";
  const left = unless === undefined ? "" : "; absent when 0";
  return `${time}${about}${from === "information" ? " (from `station_information`)" : ""}${left}`;
}

/** Columns of a view of SQL that are of no field. */
const OF_THE_ARCHIVE: Readonly<Record<string, string>> = {
  system: "the system's id",
  event:
    "`observed`; `retired`: the station's last word; `removed`: its tombstone, of which nothing else is known",
  removed: "a tombstone: no station is left, and nothing else is known",
  epoch: "which life of the log the offsets belong to",
  log_partition: "where the record stands in the log",
  log_offset: "where the record stands in its partition",
  through_partition: "the raw partition that the totals cover",
  through_offset: "the last raw offset that they cover",
  day: "the day of the row's time, UTC",
};

function sqlTable(view: "stations" | "areas", fields: readonly Field[]): Table {
  const aliases = otherNames(view);
  const row = (name: string, type: string): string => {
    const also = aliases.filter(({ column }) => column === name).map(({ as }) => `\`${as}\``);
    const about = OF_THE_ARCHIVE[name] ?? fields.find(({ column }) => column === name)?.about;
    if (about === undefined) throw new Error(`Nothing is told of column ${name} of ${view}`);
    return `| \`${name}\` | ${also.join(", ")} | ${type} | ${about} |`;
  };
  return [
    "| column | also | type | meaning |",
    "| --- | --- | --- | --- |",
    ...[SYSTEM_COLUMN, ...columnsOf(view)].map(({ name, type }) => row(name, type.replace("_MS", ""))),
    row("day", "DATE"),
  ];
}

interface Property {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly anyOf?: readonly Property[];
}

function apiTable(schema: z.ZodType): Table {
  const { properties = {} } = z.toJSONSchema(schema) as {
    readonly properties?: Readonly<Record<string, Property>>;
  };
  return [
    "| field | type | meaning |",
    "| --- | --- | --- |",
    ...Object.entries(properties).map(
      ([name, property]) =>
        `| \`${name}\` | ${jsonType(property)} | ${(property.description ?? "").replaceAll("|", "\\|")} |`,
    ),
  ];
}

function jsonType({ type, anyOf }: Property): string {
  return [type ?? anyOf?.map(jsonType) ?? "any"].flat().join(" or ");
}
