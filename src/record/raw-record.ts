/**
 * The raw record of topic `velib-projet`: the feed's own station object plus our normalised fields
 * (docs/contracts.md, "Raw record"). This file writes it and reads it back, from us or from strangers.
 */
import { plainStationKey, stationKey } from "./keys.ts";
import type { AreaRule, Reject, StationInformation, StationStatus } from "./station.ts";

export const RAW_SCHEMA = "velostream.station.v1";

/**
 * An observation may be this far ahead of its record's time, and a record's time ahead of a reader's clock: what clocks
 * of machines that are looked after differ by at most. What is further ahead is from the future and supersedes nothing
 * (invariant 10): it would freeze its station until the clock has caught up.
 */
export const MOST_AHEAD_MS = 5 * 60_000;
/** Deeper values are no station's, and writing them out again would overrun the stack. */
const DEEPEST = 64;

/** What one raw record says, normalised. */
export interface RawRecord {
  readonly systemId: string;
  readonly stationId: string;
  /** The area (a postal code for Vélib'). */
  readonly area: string;
  readonly areaRule: AreaRule | null;
  /** Place in the area: smallest free, kept for life; null in the reference producer's records. */
  readonly slot: number | null;
  readonly total: number;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
  /** When the fetch completed, epoch ms. */
  readonly observedAtMs: number;
  readonly name: string | null;
  readonly lat: number | null;
  readonly lon: number | null;
  readonly capacity: number | null;
  readonly simulated: boolean;
  /** Last word of a station that leaves its feed or area; a tombstone follows. */
  readonly retired: boolean;
  /** The value as parsed: the feed's own fields and ours. */
  readonly value: Readonly<Record<string, unknown>>;
}

/** The part of a raw record that the sums need. */
export type Observation = Pick<
  RawRecord,
  | "systemId"
  | "stationId"
  | "area"
  | "total"
  | "electric"
  | "mechanical"
  | "docks"
  | "observedAtMs"
  | "retired"
  | "simulated"
>;

/** What of an observation is summed: all but which station it is of. */
export type Share = Omit<Observation, "stationId">;

/** What a record tells of its station's place: enough to know it again under another id. */
export function informationOf({
  stationId,
  name,
  lat,
  lon,
  capacity,
}: RawRecord): StationInformation | undefined {
  if (name === null && lat === null) return undefined;
  return { stationId, stationCode: null, name, lat, lon, capacity, postCode: null, regionId: null };
}

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

/** The text form of a `station_id` served either way; null when it is none. */
function stationIdOf(served: unknown): string | null {
  if (typeof served === "string") return served === "" ? null : served;
  return typeof served === "number" && Number.isSafeInteger(served) ? String(served) : null;
}

/** The JSON value of an observation. */
export function encodeRawRecord(input: RawRecordInput): string {
  return JSON.stringify(rawValue(input));
}

/** The value of an observation. Our fields win over the feed's of the same name. */
export function rawValue(input: RawRecordInput): Record<string, unknown> {
  const { station, information } = input;
  const value: Record<string, unknown> = {
    ...station.source,
    system_id: input.systemId,
    station_id: servedId(station.stationId, servesNumericId(station.source, station.stationId)),
    postcode: input.area,
    slot: input.slot,
    nbr_total: station.vehiclesAvailable,
    nbr_elec: station.electricAvailable,
    nbr_meca: station.mechanicalAvailable,
    nbr_docks: station.docksAvailable,
    observed_at: input.observedAtMs,
    area_rule: input.areaRule,
  };
  // A feed cannot retire a station or call itself real in our name.
  delete value["retired"];
  delete value["simulated"];
  if (information !== undefined) {
    if (information.name !== null) value["name"] = information.name;
    if (information.lat !== null && information.lon !== null) {
      value["lat"] = information.lat;
      value["lon"] = information.lon;
    }
    if (information.capacity !== null) value["capacity"] = information.capacity;
  }
  if (input.simulated) value["simulated"] = true;
  return value;
}

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
  return JSON.stringify({
    system_id: input.systemId,
    station_id: servedId(input.stationId, input.numericId),
    postcode: input.area,
    slot: input.slot,
    nbr_total: 0,
    nbr_elec: 0,
    nbr_meca: 0,
    nbr_docks: 0,
    observed_at: input.observedAtMs,
    retired: true,
    ...(input.simulated ? { simulated: true } : {}),
  });
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
  const systemId = fields["system_id"];
  const stationId = stationIdOf(fields["station_id"]);
  const area = fields["postcode"];
  const observedAtMs = fields["observed_at"];
  if (typeof systemId !== "string" || systemId === "")
    return rejected("invalid_field", "system_id", null, value);
  if (stationId === null) return rejected("invalid_field", "station_id", null, value);
  if (key !== null && key !== stationKey(systemId, stationId) && key !== plainStationKey(systemId, stationId))
    return rejected("key_mismatch", "station_id", stationId, value);
  if (typeof area !== "string" || area === "") return rejected("invalid_field", "postcode", stationId, value);
  if (!isCount(observedAtMs)) return rejected("invalid_field", "observed_at", stationId, value);
  if (observedAtMs > timestampMs + MOST_AHEAD_MS)
    return rejected("from_the_future", "observed_at", stationId, value);
  const total = fields["nbr_total"];
  if (!isCount(total)) return rejected("invalid_field", "nbr_total", stationId, value);
  const electric = fields["nbr_elec"] ?? null;
  if (electric !== null && !isCount(electric)) return rejected("invalid_field", "nbr_elec", stationId, value);
  const mechanical = fields["nbr_meca"] ?? null;
  if (mechanical !== null && !isCount(mechanical))
    return rejected("invalid_field", "nbr_meca", stationId, value);
  const docks = fields["nbr_docks"] ?? null;
  if (docks !== null && !isCount(docks)) return rejected("invalid_field", "nbr_docks", stationId, value);
  const slot = fields["slot"];
  return {
    ok: true,
    record: {
      systemId,
      stationId,
      area,
      areaRule: typeof fields["area_rule"] === "string" ? (fields["area_rule"] as AreaRule) : null,
      slot: isCount(slot) ? slot : null,
      total,
      electric,
      mechanical,
      docks,
      observedAtMs,
      name: typeof fields["name"] === "string" ? fields["name"] : null,
      lat: typeof fields["lat"] === "number" ? fields["lat"] : null,
      lon: typeof fields["lon"] === "number" ? fields["lon"] : null,
      capacity: isCount(fields["capacity"]) ? fields["capacity"] : null,
      simulated: fields["simulated"] === true,
      retired: fields["retired"] === true,
      value: fields,
    },
  };
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

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function rejected(reason: string, path: string, stationId: string | null, record: unknown): RawDecoding {
  return { ok: false, reject: { reason, path, stationId, record } };
}
