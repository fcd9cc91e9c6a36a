/** Who tells of what: a range of time cut into stretches, each told by one epoch or by none. Pure. */
import type { Epoch, Span } from "./spans.ts";

/** A stretch of a range, and the epoch that tells of it; null is a gap. */
export interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly epoch: number | null;
}

/**
 * Cuts a range into stretches, each told by one epoch or by none: a live log before an import, the newer before the
 * older. A span tells of its last record, too, but of nothing after it; only the last span of all lasts until now, unless
 * its system has been silent for longer than it may be.
 */
export function segmentsOf(
  system: string,
  spans: readonly Span[],
  epochs: readonly Epoch[],
  range: { readonly fromMs: number; readonly toMs: number; readonly nowMs: number },
): readonly Segment[] {
  const imports = new Set(epochs.filter(({ kind }) => kind === "import").map(({ id }) => id));
  const toMs = Math.min(range.toMs, range.nowMs);
  if (toMs <= range.fromMs) return [];
  const own = spans.filter((span) => span.system === system);
  // A clock that was ahead once does not end the present.
  const newestMs = Math.max(...own.filter((span) => span.fromMs <= range.nowMs).map((span) => span.toMs));
  const stretches = own
    .map((span) => {
      const open = span.toMs === newestMs && range.nowMs <= span.toMs + span.patienceMs;
      return {
        epoch: span.epoch,
        fromMs: span.fromMs,
        toMs: open ? span.toMs + span.patienceMs : span.toMs + 1,
      };
    })
    .filter((span) => span.fromMs < toMs && span.toMs > range.fromMs)
    .sort((a, b) => Number(imports.has(a.epoch)) - Number(imports.has(b.epoch)) || b.epoch - a.epoch);
  const cuts = new Set([range.fromMs, toMs]);
  for (const span of stretches)
    for (const cut of [span.fromMs, span.toMs]) if (cut > range.fromMs && cut < toMs) cuts.add(cut);
  const sorted = [...cuts].sort((a, b) => a - b);
  const segments: Segment[] = [];
  for (let index = 0; index + 1 < sorted.length; index += 1) {
    const [from = 0, to = 0] = sorted.slice(index, index + 2);
    const epoch = stretches.find((span) => span.fromMs <= from && span.toMs >= to)?.epoch ?? null;
    const before = segments.at(-1);
    if (before !== undefined && before.epoch === epoch)
      segments[segments.length - 1] = { ...before, toMs: to };
    else segments.push({ fromMs: from, toMs: to, epoch });
  }
  return segments;
}
