/** What a publisher says of itself, before it is handed on: links that are links, time zones that every reader knows. */

const KNOWN = new Map<string, boolean>();
const MOST_KNOWN = 2_000;

/** An address of the web as it was given; null for what would run (`javascript:`), embed or open anything else. */
export function webAddress(text: string | null | undefined): string | null {
  if (text === null || text === undefined) return null;
  const url = URL.parse(text);
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
    ? url.href
    : null;
}

/** The zone, when Intl knows it, here and in browsers; null for what it would throw at. */
export function knownTimezone(text: string | null | undefined): string | null {
  if (typeof text !== "string" || text.length > 100) return null;
  let known = KNOWN.get(text);
  if (known === undefined) {
    // Zones come from strangers: the memory of them is bounded.
    if (KNOWN.size >= MOST_KNOWN) KNOWN.clear();
    KNOWN.set(text, (known = isZone(text)));
  }
  return known ? text : null;
}

function isZone(timezone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: timezone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
