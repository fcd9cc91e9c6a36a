/** Reads the `Retry-After` header: seconds, or an HTTP date (RFC 9110 section 10.2.3). */

/** Milliseconds to wait from `nowMs`; null when absent, malformed or past. */
export function retryAfterMs(value: string | null, nowMs: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  if (/^\d{1,15}$/.test(text)) return Number(text) * 1000;
  // Dates only: `Date.parse` would take "-5" or "1.5" for years and months.
  if (!/^[A-Za-z]{3}/.test(text)) return null;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) || atMs <= nowMs ? null : atMs - nowMs;
}
