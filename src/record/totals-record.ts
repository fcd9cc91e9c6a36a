/**
 * The totals record of topic `velib-projet-final-data` (docs/contracts.md, "Totals record"): how it is written,
 * read back, and which of two records for one area a reader keeps.
 */
import type { FormerKeys } from "./former-keys.ts";
import { areaKey, areaOfTombstone, DEFAULT_SYSTEM_ID, plainAreaKey, SYSTEM_HEADER } from "./keys.ts";

/** One area's totals, as published. */
export interface Totals {
  readonly systemId: string;
  readonly area: string;
  readonly total: number;
  /** Sum over the stations whose split is known; null when none is. */
  readonly electric: number | null;
  readonly mechanical: number | null;
  /** Stations summed. */
  readonly stations: number;
  /** Free docks; null when no station says. */
  readonly docks: number | null;
  /** Newest `observed_at` the totals reflect, epoch ms. */
  readonly asOfMs: number;
  /** How many of the stations have no known split. */
  readonly stationsWithoutSplit: number;
  readonly simulated: boolean;
}

/** The JSON value; the first four fields are the reference pipeline's and stay first. */
export function encodeTotals(totals: Totals): string {
  return JSON.stringify({
    postcode: totals.area,
    nbr_total: totals.total,
    nbr_elec: totals.electric,
    nbr_meca: totals.mechanical,
    system_id: totals.systemId,
    stations: totals.stations,
    docks: totals.docks,
    as_of: totals.asOfMs,
    ...(totals.stationsWithoutSplit > 0 ? { stations_without_split: totals.stationsWithoutSplit } : {}),
    ...(totals.simulated ? { simulated: true } : {}),
  });
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
  const area = fields["postcode"];
  const total = fields["nbr_total"];
  if (typeof area !== "string" || typeof total !== "number") return null;
  return {
    systemId: typeof fields["system_id"] === "string" ? fields["system_id"] : DEFAULT_SYSTEM_ID,
    area,
    total,
    electric: numberOrNull(fields["nbr_elec"]),
    mechanical: numberOrNull(fields["nbr_meca"]),
    stations: numberOrNull(fields["stations"]) ?? 0,
    docks: numberOrNull(fields["docks"]),
    asOfMs: numberOrNull(fields["as_of"]) ?? 0,
    stationsWithoutSplit: numberOrNull(fields["stations_without_split"]) ?? 0,
    simulated: fields["simulated"] === true,
  };
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

function numberOrNull(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** The raw partition and offset that totals cover: header `through`. */
export interface Through {
  readonly partition: number;
  /** Last raw offset covered. */
  readonly offset: number;
  /** Which topic the offset counts in, where that is known: one made again under its name counts from 0 again. */
  readonly topicId?: string;
}

export function encodeThrough({ partition, offset, topicId }: Through): string {
  return topicId === undefined ? `${partition}:${offset}` : `${partition}:${offset}:${topicId}`;
}

/** Reads a `through` header; null when absent or malformed (a stranger's record). */
export function decodeThrough(header: string | undefined): Through | null {
  const match = /^(\d{1,9}):(\d{1,16})(?::([\w.-]{1,80}))?$/.exec(header ?? "");
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
