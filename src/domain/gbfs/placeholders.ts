/**
 * Numbers that stand for "no limit" or "not known": summed, one of them is a city's total. Real stations reach a few
 * hundred docks (a stadium's corral), towns served as one station a few thousand vehicles.
 */

/** Rows of nines from four on, and what is greatest (or one more) in 15, 16, 31, 32 and 53 bits. */
const ROW_OF_NINES = /^9{4,}$/;
const BOUNDS: ReadonlySet<number> = new Set(
  [15, 16, 31, 32, 53].flatMap((bits) => [2 ** bits - 1, 2 ** bits]),
);
/** Three nines are one too, unless a station is built for about as many. */
const SHORT_ROW = 999;
/** No station has as many free docks, whatever it is built for. */
const MOST_DOCKS = 10_000;
/** From here on free docks that are ten times the capacity mean no limit; below, capacities are just out of date. */
const DOUBTFUL_DOCKS = 500;
const DOUBTFUL_SHARE = 10;

/** A number that nobody counted. */
export function isPlaceholder(count: number): boolean {
  return BOUNDS.has(count) || ROW_OF_NINES.test(String(count));
}

/**
 * Free docks that nobody counted: such a number, or what vehicles leave of it, or far beyond what the station has.
 * @param capacity docks the station is built for; null where not known, 0 where the publisher did not fill it in
 */
export function isPlaceholderDocks(docks: number, vehicles: number, capacity: number | null): boolean {
  if (docks > MOST_DOCKS || isPlaceholder(docks) || isPlaceholder(docks + vehicles)) return true;
  const built = capacity === null || isPlaceholder(capacity) ? 0 : capacity;
  if (docks === SHORT_ROW) return built < SHORT_ROW;
  return built > 0 && docks >= DOUBTFUL_DOCKS && docks > built * DOUBTFUL_SHARE;
}
