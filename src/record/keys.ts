/**
 * The keys of records, and the one codec that writes and reads them (docs/contracts.md, "Keys").
 *
 *   station   <system>:<station>            velib:213688169    velib:free-floating%3Aareas_file%3A75016
 *   area      <area>, of Vélib'             75016              Zone 1%3A Nord
 *             <system>:<area>, of others    lyon:69003         lyon:100%25 Est
 *   system    <system>                      lyon
 *   rule      <rule>:<key of its scope>     few-bikes:lyon:69003
 *
 * A `:` or `%` inside a part is percent-encoded, so that no two things share a key and every key tells its parts. The
 * plain form, with nothing encoded, is what version 0.1.0 wrote and what partitions are still hashed over: a station
 * and an area keep their partition.
 */

/** The system whose areas are keyed by their bare name: Vélib' Métropole. */
export const DEFAULT_SYSTEM_ID = "velib";

/** Header of a tombstone: the system that it is of, in plain text. A record with a value says so itself. */
export const SYSTEM_HEADER = "system";

declare const kind: unique symbol;
type Key<Kind extends string> = string & { readonly [kind]: Kind };
export type StationKey = Key<"station">;
export type AreaKey = Key<"area">;
type SystemKey = Key<"system">;
type RuleKey = Key<"rule">;

export interface StationName {
  readonly systemId: string;
  readonly stationId: string;
}

export interface AreaName {
  readonly systemId: string;
  readonly area: string;
}

// ───────────────────────────── written ─────────────────────────────

/** Key of a raw record. */
export function stationKey(systemId: string, stationId: string): StationKey {
  return `${encodePart(systemId)}:${encodePart(stationId)}` as StationKey;
}

/** Key of a totals record: the bare area for Vélib', so that the reference's consumers need no change. */
export function areaKey(systemId: string, area: string): AreaKey {
  const part = encodePart(area);
  return (systemId === DEFAULT_SYSTEM_ID ? part : `${encodePart(systemId)}:${part}`) as AreaKey;
}

/** Key of what is kept once a system, such as its rejects. */
export function systemKey(systemId: string): SystemKey {
  return encodePart(systemId) as SystemKey;
}

/** @param scope the key of the system, area or station that the rule watches */
export function ruleKey(rule: string, scope: string): RuleKey {
  return `${encodePart(rule)}:${scope}` as RuleKey;
}

/** The plain form of a station's key. */
export function plainStationKey(systemId: string, stationId: string): string {
  return `${systemId}:${stationId}`;
}

/** The plain form of an area's key: what the totals topic is partitioned by. */
export function plainAreaKey(systemId: string, area: string): string {
  return systemId === DEFAULT_SYSTEM_ID ? area : `${systemId}:${area}`;
}

// ───────────────────────────── read ─────────────────────────────

/** What a station's key names; null when it is not one that `stationKey` writes. */
export function parseStationKey(key: string): StationName | null {
  const parts = key.split(":");
  const [systemId, stationId] = parts.map(decodePart);
  if (parts.length !== 2 || !systemId || !stationId) return null;
  return { systemId, stationId };
}

/** What an area's key names; null when it is not one that `areaKey` writes. */
export function parseAreaKey(key: string): AreaName | null {
  const parts = key.split(":");
  const [first, second] = parts.map(decodePart);
  if (parts.length === 1) return first ? { systemId: DEFAULT_SYSTEM_ID, area: first } : null;
  if (parts.length !== 2 || !first || !second || first === DEFAULT_SYSTEM_ID) return null;
  return { systemId: first, area: second };
}

export function parseRuleKey(key: string): { readonly rule: string; readonly scope: string } | null {
  const colon = key.indexOf(":");
  const rule = decodePart(key.slice(0, Math.max(colon, 0)));
  return rule ? { rule, scope: key.slice(colon + 1) } : null;
}

/**
 * Every station that a key may name, likeliest first: what the codec says, then what version 0.1.0 may have meant, whose
 * ids could hold colons.
 */
export function* stationsNamed(key: string): IterableIterator<StationName> {
  const own = parseStationKey(key);
  if (own !== null) yield own;
  for (const [systemId, stationId] of splits(key)) yield { systemId, stationId };
}

/** Every area that a key may name, likeliest first; see `stationsNamed`. */
export function* areasNamed(key: string): IterableIterator<AreaName> {
  const own = parseAreaKey(key);
  if (own !== null) yield own;
  if (key !== "") yield { systemId: DEFAULT_SYSTEM_ID, area: key };
  for (const [systemId, area] of splits(key)) yield { systemId, area };
}

/**
 * What the tombstone of a station took away, where nothing else tells. Null when it only cleans up after another key:
 * who writes a tombstone today says its system, and then the key is either the station's own or a former one.
 */
export function stationOfTombstone(key: string, system: string | undefined): StationName | null {
  if (system === undefined) {
    const [systemId, stationId] = splits(key).next().value ?? [];
    return systemId === undefined || stationId === undefined ? null : { systemId, stationId };
  }
  const named = parseStationKey(key);
  return named?.systemId === system ? named : null;
}

/** What the tombstone of an area took away, where nothing else tells; see `stationOfTombstone`. */
export function areaOfTombstone(key: string, system: string | undefined): AreaName | null {
  if (system !== undefined) {
    const named = parseAreaKey(key);
    return named?.systemId === system ? named : null;
  }
  const [systemId = DEFAULT_SYSTEM_ID, area = key] = splits(key).next().value ?? [];
  return { systemId, area };
}

/** The system that a record's key names, as far as a key alone can tell: of records that cannot be read. */
export function systemOfKey(key: string): string {
  const [first = ""] = key.split(":");
  return decodePart(first) ?? first;
}

// ───────────────────────────── parts ─────────────────────────────

function encodePart(text: string): string {
  return /[%:]/.test(text) ? text.replaceAll("%", "%25").replaceAll(":", "%3A") : text;
}

/** Null when `part` is not what encodePart writes. */
function decodePart(part: string): string | null {
  if (!part.includes("%")) return part;
  if (/%(?!25|3A)/.test(part)) return null;
  return part.replaceAll("%3A", ":").replaceAll("%25", "%");
}

/** The two sides of each colon that has something on both. */
function* splits(key: string): Generator<readonly [string, string], undefined> {
  for (let at = key.indexOf(":", 1); at !== -1 && at < key.length - 1; at = key.indexOf(":", at + 1))
    yield [key.slice(0, at), key.slice(at + 1)];
}
