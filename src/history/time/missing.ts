/** Stretches of time whose records are missing, and what they leave of spans. Pure. */
import type { Missing, Span } from "./spans.ts";

/** A span without a stretch; what ends at the stretch is not gone on with. */
export function without(span: Span, { fromMs, toMs }: Missing): Span[] {
  if (toMs <= span.fromMs || fromMs > span.toMs) return [span];
  return [
    ...(fromMs >= span.fromMs ? [{ ...span, toMs: fromMs, patienceMs: 0 }] : []),
    ...(toMs <= span.toMs ? [{ ...span, fromMs: toMs }] : []),
  ];
}

/** Stretches in order, those that touch as one. */
export function joined(missing: readonly Missing[]): Missing[] {
  const all: Missing[] = [];
  for (const one of missing.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const before = all.at(-1);
    if (before !== undefined && one.fromMs < before.toMs)
      all[all.length - 1] = { fromMs: before.fromMs, toMs: Math.max(before.toMs, one.toMs) };
    else all.push(one);
  }
  return all;
}
