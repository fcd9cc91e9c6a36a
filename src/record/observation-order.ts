/** Which of two observations of one station counts: the one total order that every reader of the raw topic shares. */

/** What the order looks at, beside the area. */
export interface Ranked {
  /** When the fetch completed, epoch ms. */
  readonly observedAtMs: number;
  readonly retired: boolean;
  readonly total: number;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
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
  if (next.total !== held.total) return next.total > held.total;
  const byElectric = compareNullable(next.electric, held.electric);
  if (byElectric !== 0) return byElectric > 0;
  const byMechanical = compareNullable(next.mechanical, held.mechanical);
  if (byMechanical !== 0) return byMechanical > 0;
  const byDocks = compareNullable(next.docks, held.docks);
  if (byDocks !== 0) return byDocks > 0;
  return next.area > heldArea;
}

function compareNullable(a: number | null, b: number | null): number {
  return (a ?? -1) - (b ?? -1);
}
