/** Reads single values of a feed as the versions and dialects write them; null when a value says nothing usable. */

export type Json = Readonly<Record<string, unknown>>;

/** Longer ids are no ids: they would be the keys of everything. */
const LONGEST_ID = 256;
/** Longer names and texts are cut. */
const LONGEST_TEXT = 500;

/** The value as an object, or null (arrays are no objects here). */
export function asObject(value: unknown): Json | null {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : null;
}

/**
 * An id: text, or a number as Vélib' serves them (above int32, so never through `| 0`). A number beyond 2^53 has lost
 * digits in JSON: it could be another station's, so it is none.
 */
export function asId(value: unknown): string | null {
  // Halves of surrogate pairs do not survive UTF-8, and a key must read back as it was written.
  if (typeof value === "string")
    return value.trim() === "" || value.length > LONGEST_ID ? null : value.toWellFormed();
  return typeof value === "number" && Number.isSafeInteger(value) ? String(value) : null;
}

/** A whole number, also when served as text; null when absent; NaN when present but not a whole number. */
export function asInteger(value: unknown): number | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? value : NaN;
  if (value === undefined || value === null) return null;
  if (typeof value === "string" && /^-?\d{1,15}$/.test(value)) return Number(value);
  return NaN;
}

/** A whole number that counts something; null when absent, negative or nonsense. */
export function asCount(value: unknown): number | null {
  const count = asInteger(value);
  return count !== null && count >= 0 ? count : null;
}

/** A boolean, GBFS 1's 0 and 1, or either as text. */
export function asBoolean(value: unknown): boolean | null {
  if (typeof value === "boolean") return value;
  if (value === 1 || value === "1" || value === "true") return true;
  return value === 0 || value === "0" || value === "false" ? false : null;
}

/** Epoch ms of POSIX seconds (1.x, 2.x), of milliseconds (a common mistake) or of RFC 3339 text (3.x). */
export function asTimeMs(value: unknown): number | null {
  if (typeof value === "string") {
    if (/^\d{9,13}$/.test(value)) return asTimeMs(Number(value));
    const ms = /^\d{4}-\d\d-\d\d[T ]/.test(value) ? Date.parse(value) : NaN;
    return Number.isNaN(ms) || ms <= 0 ? null : ms;
  }
  if (typeof value !== "number" || !(value > 0)) return null;
  // Seconds until the year 5138; from there on it can only be milliseconds.
  if (value < 1e11) return Math.floor(value * 1000);
  return value < 1e14 ? Math.floor(value) : null;
}

/** Plain text, or the first of GBFS 3's localised `[{text, language}]`. */
export function asText(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : value.slice(0, LONGEST_TEXT).toWellFormed();
  if (!Array.isArray(value)) return null;
  const text: unknown = asObject(value[0])?.["text"];
  return typeof text === "string" ? asText(text) : null;
}

/** A place on Earth, in degrees; also when served as text. 0,0 is how feeds write "unknown". */
export function asPosition(lat: unknown, lon: unknown): { lat: number; lon: number } | null {
  const [y, x] = [asNumber(lat), asNumber(lon)];
  if (y === null || x === null || Math.abs(y) > 90 || Math.abs(x) > 180 || (y === 0 && x === 0)) return null;
  return { lat: y, lon: x };
}

/** A number with or without a fraction, also when served as text. */
export function asNumber(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return typeof value === "string" && /^-?\d{1,3}(\.\d{1,20})?$/.test(value) ? Number(value) : null;
}
