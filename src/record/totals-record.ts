/**
 * The totals record of topic `velib-projet-final-data` (docs/contracts.md, "Totals record"): how it is written,
 * read back, and which of two records for one area a reader keeps.
 */
import { blankOf, type FieldType, type FieldValue } from "./fields.ts";
import type { FormerKeys } from "./former-keys.ts";
import { areaKey, areaOfTombstone, plainAreaKey, SYSTEM_HEADER } from "./keys.ts";
import { TOTALS_FIELDS, type TotalsValues } from "./totals-fields.ts";

/** One area's totals, as published: the fields of totals-fields.ts. */
export type Totals = TotalsValues;

/** The JSON value; the first four fields are the reference pipeline's and stay first. */
export function encodeTotals(totals: Totals): string {
  const values: Readonly<Record<string, FieldValue>> = totals;
  const value: Record<string, FieldValue | undefined> = {};
  for (const { key, name, unless } of TOTALS_FIELDS) if (values[name] !== unless) value[key] = values[name];
  return JSON.stringify(value);
}

/** Reads a totals value; null when it is not one. Never throws. */
export function decodeTotals(text: string): Totals | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const fields = value as Record<string, unknown>;
  const totals: Record<string, FieldValue> = { ...BLANK };
  for (const { key, name, type, required, otherwise = null } of TOTALS_FIELDS) {
    const found = read(type, fields[key]) ?? otherwise;
    if (found === null && required === true) return null;
    totals[name] = found;
  }
  return totals as unknown as Totals;
}

const BLANK = blankOf(TOTALS_FIELDS.map(({ name }) => name));

function read(type: FieldType, found: unknown): FieldValue {
  if (type === "mark") return found === true;
  return typeof found === (type === "text" ? "string" : "number") ? (found as FieldValue) : null;
}

/**
 * The own key of the area that a totals record is of. Null when its key and value name two areas; undefined when it is
 * the tombstone of a key of old, whose area stands under its own by now.
 * @param totals what its value says; null for a tombstone
 */
export function ownAreaKey(
  record: { readonly key: string | null; readonly headers: Readonly<Record<string, string>> },
  totals: Totals | null,
  formerKeys: FormerKeys,
): string | null | undefined {
  const { key, headers } = record;
  if (totals !== null) {
    const own = areaKey(totals.systemId, totals.area);
    if (key !== null && key !== own && key !== plainAreaKey(totals.systemId, totals.area)) return null;
    formerKeys.read(own, key ?? own);
    return own;
  }
  if (key === null) return null;
  const system = headers[SYSTEM_HEADER];
  if (system !== undefined && !formerKeys.has(key) && areaOfTombstone(key, system) === null) return undefined;
  return formerKeys.at(key) ?? undefined;
}

/** The raw partition and offset that totals cover: header `through`. */
export interface Through {
  readonly partition: number;
  /** Last raw offset covered; -1: there is none yet, the topic was made again and is empty. */
  readonly offset: number;
  /** Which topic the offset counts in, where that is known: one made again under its name counts from 0 again. */
  readonly topicId?: string;
}

export function encodeThrough({ partition, offset, topicId }: Through): string {
  return topicId === undefined ? `${partition}:${offset}` : `${partition}:${offset}:${topicId}`;
}

/** Reads a `through` header; null when absent or malformed (a stranger's record). */
export function decodeThrough(header: string | undefined): Through | null {
  const match = /^(\d{1,9}):(-1|\d{1,16})(?::([\w.-]{1,80}))?$/.exec(header ?? "");
  if (match === null) return null;
  const [, partition, offset, topicId] = match;
  const through = { partition: Number(partition), offset: Number(offset) };
  return topicId === undefined ? through : { ...through, topicId };
}

/** What a reader remembers of the record it kept for a key. */
export interface Kept {
  readonly through: Through | null;
  readonly asOfMs: number;
}

/**
 * Whether a reader that holds `kept` takes the record just read: the greatest `through` of one partition wins,
 * so an at-least-once writer is harmless. Offsets of another topic (the raw topic was made again) begin a new count; a
 * writer that does not name the topic is taken to mean the one before. A record of another partition (the topic's partition count was raised)
 * wins when it is not older; a tombstone counts only from the partition that holds the area.
 */
export function supersedes(kept: Kept | undefined, through: Through | null, asOfMs: number | null): boolean {
  if (kept === undefined || kept.through === null || through === null) return true;
  if (through.topicId !== undefined && through.topicId !== kept.through.topicId) return true;
  if (kept.through.partition === through.partition) return through.offset > kept.through.offset;
  return asOfMs !== null && asOfMs >= kept.asOfMs;
}
