/** Which of two observations of one station counts: the one total order that every reader of the raw topic shares. */
import { SUMMED, type Counts } from "./station-parts.ts";

/** What the order looks at, beside the area. */
export interface Ranked extends Counts {
  /** When the fetch completed, epoch ms. */
  readonly observedAtMs: number;
  readonly retired: boolean;
}

/**
 * Order is by fetch time. Equal times are one total order, so that any replay converges (invariant 3) and Spark's
 * `max` over the same struct agrees (invariant 8): not retired beats retired, then the greater counts, null lowest.
 */
export function supersedesObservation(
  next: Ranked & { readonly area: string },
  held: Ranked,
  heldArea: string,
): boolean {
  if (next.observedAtMs !== held.observedAtMs) return next.observedAtMs > held.observedAtMs;
  if (next.retired !== held.retired) return held.retired;
  for (const name of SUMMED) {
    const [a, b] = [next[name] ?? -1, held[name] ?? -1];
    if (a !== b) return a > b;
  }
  return next.area > heldArea;
}
