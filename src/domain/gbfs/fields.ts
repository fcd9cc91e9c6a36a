/** Reads single GBFS fields as the versions and dialects write them; null when a field says nothing usable. */

export type Json = Readonly<Record<string, unknown>>;

/** The value as an object, or null (arrays are no objects here). */
export function asObject(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

/** An id: text, or a number as Vélib' serves them (above int32, so never through `| 0`). */
export function asId(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  return typeof value === "number" && Number.isSafeInteger(value) ? String(value) : null;
}

/** A whole number, also when served as text; null when absent; NaN when present but not a whole number. */
export function asInteger(value: unknown): number | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : NaN;
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && /^-?\d{1,15}$/.test(value)) return Number(value);
  return NaN;
}

/** A boolean, or GBFS 1's 0 and 1. */
export function asBoolean(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  return value === 1 ? true : value === 0 ? false : null;
}

/** Epoch ms of POSIX seconds (1.x, 2.x) or RFC 3339 text (3.x); null for 0 and for nonsense. */
export function asTimeMs(value: unknown): number | null {
  if (typeof value === "number") return value > 0 && value < 1e11 ? value * 1000 : null;
  if (typeof value !== "string") return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}

/** Plain text, or the first of GBFS 3's localised `[{text, language}]`. */
export function asText(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  if (!Array.isArray(value)) return null;
  const text: unknown = asObject(value[0])?.["text"];
  return typeof text === "string" && text !== "" ? text : null;
}

/** The header that every GBFS file opens with. Vélib' writes `lastUpdatedOther` and no version. */
export function header(body: Json): {
  version: string | null;
  lastUpdatedMs: number | null;
  ttlSeconds: number | null;
} {
  const ttl = asInteger(body["ttl"]);
  return {
    version: asText(body["version"]),
    lastUpdatedMs: asTimeMs(body["last_updated"] ?? body["lastUpdatedOther"]),
    ttlSeconds: ttl !== null && ttl >= 0 ? ttl : null,
  };
}

/** A place on Earth, in degrees; also when served as text. 0,0 is how feeds write "unknown". */
export function asPosition(lat: unknown, lon: unknown): { lat: number; lon: number } | null {
  const [y, x] = [asDegrees(lat), asDegrees(lon)];
  if (y === null || x === null || Math.abs(y) > 90 || Math.abs(x) > 180 || (y === 0 && x === 0)) return null;
  return { lat: y, lon: x };
}

function asDegrees(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return typeof value === "string" && /^-?\d{1,3}(\.\d{1,20})?$/.test(value) ? Number(value) : null;
}
