/** How big one record of a feed may be: it is copied into a log whose records are bounded, and printed by recursion. */

/** Real station objects nest three deep; beyond this a serialiser could exhaust the stack. */
const DEEPEST = 24;
/** Characters of one record, roughly; Vélib' has 304, and brokers refuse records of a megabyte. */
const LARGEST = 65_536;

/** Why a record cannot be carried on; null when it can. */
export function unboundedReason(record: unknown): "too_deep" | "too_large" | null {
  const left = { characters: LARGEST };
  if (!measure(record, DEEPEST, left)) return "too_deep";
  return left.characters < 0 ? "too_large" : null;
}

/** A record as rejects keep it: what cannot be carried on is left out. */
export function boundedRecord(record: unknown): unknown {
  const reason = unboundedReason(record);
  return reason === null ? record : `(left out: ${reason})`;
}

/** Takes the size of `value` off what is left, stopping when nothing is; false when it nests too deeply. */
function measure(value: unknown, levels: number, left: { characters: number }): boolean {
  if (typeof value === "string") left.characters -= value.length + 2;
  else if (typeof value !== "object" || value === null) left.characters -= 8;
  else if (levels === 0) return false;
  else if (Array.isArray(value)) {
    for (const item of value) {
      left.characters -= 4;
      if (left.characters < 0) return true;
      if (!measure(item, levels - 1, left)) return false;
    }
  } else {
    for (const key in value) {
      left.characters -= key.length + 4;
      if (left.characters < 0) return true;
      const field = (value as Record<string, unknown>)[key];
      // Most fields are numbers: a call for each would be a seventh of the time of a poll.
      if (typeof field === "number") left.characters -= 8;
      else if (!measure(field, levels - 1, left)) return false;
    }
  }
  return true;
}
