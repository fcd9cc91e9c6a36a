/**
 * What counts as a change of a station: its content as served, but not `last_reported` alone. Publishers refresh
 * that field in bulk (Vélib') or at every poll (Oslo) while nothing changed, and change counts without moving it.
 */
import type { StationInformation, StationSaid, StationStatus } from "./station.ts";
import { STATION_FIELDS, type StationField } from "./station-fields.ts";
import { INFORMATION_FIELDS, type CountsMade, type InformationValues } from "./station-parts.ts";

const FIELDS: readonly StationField[] = STATION_FIELDS;
const STILL = FIELDS.filter(({ content }) => content === false);
/** Fields of the served object whose movement alone is no change. */
const NOT_CONTENT: ReadonlySet<string> = new Set(
  STILL.filter(({ from }) => from === "feed").map(({ key }) => key),
);
/** Fields of a raw record that tell when and where, not what: two collectors of one feed may differ in them. */
const NOT_RECORD_CONTENT: ReadonlySet<string> = new Set(STILL.map(({ key }) => key));
const MADE = FIELDS.filter(({ summed, from }) => summed === true && from === "ours").map(
  ({ name }) => name as keyof CountsMade,
);
const INFORMATION = INFORMATION_FIELDS.map(({ name }) => name as keyof InformationValues);

/**
 * What a feed says of a station at one poll, with its digests: made here once, for whoever asks whether it changed (the
 * feed, its judge, the collector). An observation is never changed after that.
 */
export function observation(said: StationSaid): StationStatus {
  // The decoded counts too: they may depend on another file (vehicle_types) that changed meanwhile.
  let [low, high] = [1, 2];
  for (const name of MADE) {
    const count = said[name];
    low = hash(count, low);
    high = hash(count, high);
  }
  return {
    ...said,
    contentDigest: digest(low, high, said.source, NOT_CONTENT),
    countsDigest: hash(said.isRenting === true, hash(said.stationId, low)),
  };
}

/** The digest of what the value of a raw record says, so that two collectors find that they say the same. */
export function recordDigest(value: Readonly<Record<string, unknown>>): number {
  return digest(1, 2, value, NOT_RECORD_CONTENT);
}

function digest(
  lowSeed: number,
  highSeed: number,
  source: Readonly<Record<string, unknown>>,
  left: ReadonlySet<string>,
): number {
  let [low, high] = [lowSeed, highSeed];
  for (const key in source) {
    if (left.has(key)) continue;
    // A sum, so that the order of fields is no change.
    const name = keyHash(key);
    low = (low + hash(source[key], name)) | 0;
    high = (high + hash(source[key], name ^ HIGH)) | 0;
  }
  return (low >>> 0) * 2 ** 21 + ((high >>> 0) & 0x1f_ffff);
}

/** A number for what a whole file says, in whatever order it lists its stations. */
export function stationsDigest(stations: readonly StationStatus[]): number {
  let sum = stations.length;
  for (const station of stations) {
    const digest = hash(station.contentDigest, hash(station.stationId, 3)) >>> 0;
    sum =
      (sum + digest * 2 ** 20 + ((hash(station.stationId, digest) >>> 0) & 0xf_ffff)) %
      Number.MAX_SAFE_INTEGER;
  }
  return sum;
}

const HIGH = 0x2545_f491;
const NULL = 0x1b87_3593;
/** Hashes of field names, which are few; a feed that invents names does not fill it. */
const keyHashes = new Map<string, number>();

function keyHash(key: string): number {
  const known = keyHashes.get(key);
  if (known !== undefined) return known;
  const fresh = hash(key, 5);
  if (keyHashes.size < 1_000) keyHashes.set(key, fresh);
  return fresh;
}

/** FNV-1a with a final avalanche, over the parts of a JSON value. */
function hash(value: unknown, seed: number): number {
  let h = seed ^ 0x811c_9dc5;
  if (typeof value === "number" && Number.isInteger(value)) {
    h = Math.imul(h ^ value, 0x0100_0193);
    h = Math.imul(h ^ Math.floor(value / 2 ** 32), 0x0100_0193);
  } else if (typeof value === "string" || typeof value === "number") {
    const text = String(value);
    h = Math.imul(h ^ text.length, 0x0100_0193);
    for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 0x0100_0193);
  } else if (Array.isArray(value)) {
    for (const item of value) h = hash(item, h + 1);
  } else if (typeof value === "object" && value !== null) {
    for (const key in value) h = hash((value as Record<string, unknown>)[key], h ^ keyHash(key));
  } else h = value === true ? h ^ 7 : value === false ? h ^ 11 : h ^ NULL;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return h ^ (h >>> 16);
}

/** True when what we publish of two informations is the same. */
export function sameInformation(
  a: StationInformation | undefined,
  b: StationInformation | undefined,
): boolean {
  if (a === b) return true;
  return INFORMATION.every((name) => a?.[name] === b?.[name]);
}
