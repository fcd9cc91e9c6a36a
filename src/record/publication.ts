/**
 * The header `totals` of a raw record that is played back from history (docs/contracts.md): which totals are published
 * after it, so that a replay publishes what was published then, however the log cuts it into batches.
 *
 *   no header   published at the end of the batch, where they changed      (a collector's records)
 *   []          nothing yet
 *   ["75016"]   those of 75016, now, changed or not
 */

/** Name of the header. */
export const PUBLICATION_HEADER = "totals";

const NOTHING: readonly string[] = Object.freeze([]);
export const NOTHING_YET = "[]";

/** @param keys of the totals records to publish */
export function encodePublication(keys: readonly string[]): string {
  return keys.length === 0 ? NOTHING_YET : JSON.stringify(keys);
}

/** null without the header, or when it is a stranger's: the record is like any other. */
export function decodePublication(header: string | undefined): readonly string[] | null {
  if (header === undefined) return null;
  if (header === NOTHING_YET) return NOTHING;
  try {
    const keys: unknown = JSON.parse(header);
    return Array.isArray(keys) && keys.every((key) => typeof key === "string") ? keys : null;
  } catch {
    return null;
  }
}
