/** Which of two observations of one station counts: the one total order that every reader of the raw topic shares. */
import { countedOf, COUNTS, UNKNOWN, type Counted } from "./counts.ts";
import type { Counts } from "./station-parts.ts";

/** What the order looks at, beside the area. */
export interface Ranked extends Counts {
  /** When the fetch completed, epoch ms. */
  readonly observedAtMs: number;
  readonly retired: boolean;
}

/** The same with its counts side by side. */
export interface RankedCounts extends Counted {
  readonly observedAtMs: number;
  readonly retired: boolean;
}

/** The order of two observations whose counts have names. */
export function supersedesObservation(
  next: Ranked & { readonly area: string },
  held: Ranked,
  heldArea: string,
): boolean {
  const { observedAtMs, retired, area } = next;
  // Nearly always the time decides, and no counts need be looked at.
  if (observedAtMs !== held.observedAtMs) return observedAtMs > held.observedAtMs;
  return supersedes(
    { observedAtMs, retired, area, ...countedOf(next) },
    { observedAtMs: held.observedAtMs, retired: held.retired, ...countedOf(held) },
    heldArea,
  );
}

/**
 * Order is by fetch time. Equal times are one total order, so that any replay converges (invariant 3) and Spark's
 * `max` over the same struct agrees (invariant 8): not retired beats retired, then the greater counts, null lowest.
 */
export function supersedes(
  next: RankedCounts & { readonly area: string },
  held: RankedCounts,
  heldArea: string,
): boolean {
  if (next.observedAtMs !== held.observedAtMs) return next.observedAtMs > held.observedAtMs;
  if (next.retired !== held.retired) return held.retired;
  for (let i = 0; i < COUNTS; i += 1) {
    const a = next.counts[next.at + i] ?? UNKNOWN;
    const b = held.counts[held.at + i] ?? UNKNOWN;
    if (a !== b) return a > b;
  }
  return next.area > heldArea;
}
