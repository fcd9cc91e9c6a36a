/**
 * When a system was really watched, told from the log alone. Pure.
 *
 *   records of a system   │││││││        ││││││││   every poll that publishes anything observed every station
 *   spans                 ├─────┤        ├──────┤
 *   gap                          └──────┘           longer than the system is ever silent while it is polled
 *
 * A silence is a gap when it is longer than ten minutes and than three times the system's usual distance between
 * records. The collector publishes a station at least every five minutes (domain/collection.ts), so that silence means
 * something in a small system at night too; recordings taken once an hour have a usual distance of an hour.
 */

/** One stretch of time in which a system was watched without a gap. */
export interface Span {
  readonly system: string;
  readonly epoch: number;
  readonly fromMs: number;
  /** Time of the last record. */
  readonly toMs: number;
  /** How long the system may be silent after `toMs` before that is a gap. */
  readonly patienceMs: number;
}

/** One life of a log: positions and offsets mean something within it only. */
export interface Epoch {
  readonly id: number;
  readonly kind: "kafka" | "memory" | "import";
  /** Topics read, for a Kafka log. */
  readonly topics: string[];
  readonly openedAtMs: number;
}

/** A stretch of a range, and the epoch that tells of it; null is a gap. */
export interface Segment {
  readonly fromMs: number;
  readonly toMs: number;
  readonly epoch: number | null;
}

const LEAST_PATIENCE_MS = 10 * 60_000;
const PATIENCE_FACTOR = 3;
/** Distances remembered for the usual one; below the least, nothing is known yet. */
const REMEMBERED = 31;
const KNOWN_FROM = 3;

interface Watch {
  span: Span;
  distancesMs: number[];
  /** Spans closed before the usual distance was known: they may turn out to be one. */
  early: Span[];
}

/** Follows the records of every system and keeps the spans. */
export class Coverage {
  readonly #closed: Span[];
  readonly #watches = new Map<string, Watch>();

  /** @param spans as kept earlier; those of a live epoch are continued by `resume` */
  constructor(spans: readonly Span[] = []) {
    this.#closed = [...spans];
  }

  /** Every span, the open ones too. */
  spans(): readonly Span[] {
    return [...this.#closed, ...[...this.#watches.values()].flatMap(({ span, early }) => [...early, span])];
  }

  /** A record of a system: it was watched at `atMs`. */
  observe(system: string, epoch: number, atMs: number): void {
    const id = `${epoch}\n${system}`;
    const watch = this.#watches.get(id) ?? this.#reopened(id, system, epoch);
    if (watch === null) {
      const span = { system, epoch, fromMs: atMs, toMs: atMs, patienceMs: LEAST_PATIENCE_MS };
      this.#watches.set(id, { span, distancesMs: [], early: [] });
      return;
    }
    const silenceMs = atMs - watch.span.toMs;
    // One partition may be read some way before another.
    if (atMs < watch.span.fromMs && watch.span.fromMs - atMs <= watch.span.patienceMs)
      watch.span = { ...watch.span, fromMs: atMs };
    if (silenceMs <= 0) return;
    const gap = silenceMs > watch.span.patienceMs;
    watch.distancesMs.push(silenceMs);
    if (watch.distancesMs.length > REMEMBERED) watch.distancesMs.shift();
    const patienceMs = patienceOf(watch.distancesMs);
    if (!gap || (watch.distancesMs.length >= KNOWN_FROM && silenceMs <= patienceMs)) {
      watch.span = { ...watch.span, toMs: atMs, patienceMs };
    } else {
      watch.early.push(watch.span);
      watch.span = { system, epoch, fromMs: atMs, toMs: atMs, patienceMs };
    }
    if (watch.distancesMs.length === KNOWN_FROM) joinEarly(watch, patienceMs);
    if (watch.distancesMs.length >= KNOWN_FROM) this.#closed.push(...watch.early.splice(0));
  }

  /** Records are missing from here on (`system` null: of every system of the epoch): what was watched ends. */
  interrupt(epoch: number, system: string | null = null): void {
    for (const [id, watch] of this.#watches) {
      if (watch.span.epoch !== epoch || (system !== null && watch.span.system !== system)) continue;
      this.#closed.push(...watch.early, watch.span);
      this.#watches.delete(id);
    }
    // A closed span of this epoch must not be continued.
    for (const [index, span] of this.#closed.entries())
      if (span.epoch === epoch && (system === null || span.system === system) && span.patienceMs > 0)
        this.#closed[index] = { ...span, patienceMs: 0 };
  }

  /** What is older than `fromMs` was removed. */
  forget(fromMs: number): void {
    this.#closed.splice(0, Infinity, ...spansFrom(this.#closed, fromMs));
    for (const watch of this.#watches.values())
      watch.span = { ...watch.span, fromMs: Math.max(watch.span.fromMs, fromMs) };
  }

  /** The span that ended last in this epoch is gone on with: after a restart, over Kafka. */
  #reopened(id: string, system: string, epoch: number): Watch | null {
    let found = -1;
    for (const [index, span] of this.#closed.entries())
      if (span.system === system && span.epoch === epoch && span.toMs >= (this.#closed[found]?.toMs ?? -1))
        found = index;
    const span = this.#closed[found];
    if (span === undefined || span.patienceMs === 0) return null;
    this.#closed.splice(found, 1);
    // Its patience was learnt: it stands for the distances that are not remembered.
    const usualMs = span.patienceMs / PATIENCE_FACTOR;
    const watch = { span, distancesMs: Array.from({ length: KNOWN_FROM }, () => usualMs), early: [] };
    this.#watches.set(id, watch);
    return watch;
  }
}

/** The spans without what lies before `fromMs`. */
export function spansFrom(spans: readonly Span[], fromMs: number): Span[] {
  return spans
    .filter(({ toMs }) => toMs >= fromMs)
    .map((span) => ({ ...span, fromMs: Math.max(span.fromMs, fromMs) }));
}

function patienceOf(distancesMs: readonly number[]): number {
  if (distancesMs.length < KNOWN_FROM) return LEAST_PATIENCE_MS;
  const sorted = distancesMs.toSorted((a, b) => a - b);
  return Math.max(LEAST_PATIENCE_MS, PATIENCE_FACTOR * (sorted[Math.floor(sorted.length / 2)] ?? 0));
}

/** Now that the usual distance is known: what was closed for want of it is one span after all. */
function joinEarly(watch: Watch, patienceMs: number): void {
  const spans = [...watch.early, watch.span];
  const joined: Span[] = [];
  for (const span of spans) {
    const before = joined.at(-1);
    if (before !== undefined && span.fromMs - before.toMs <= patienceMs)
      joined[joined.length - 1] = { ...span, fromMs: before.fromMs, patienceMs };
    else joined.push(span);
  }
  watch.span = joined.pop() ?? watch.span;
  watch.early = joined;
}

/**
 * Cuts a range into stretches, each told by one epoch or by none: a live log before an import, the newer before the
 * older. The last span of all lasts until now, as long as its system may be silent.
 */
export function segmentsOf(
  system: string,
  spans: readonly Span[],
  epochs: readonly Epoch[],
  range: { readonly fromMs: number; readonly toMs: number; readonly nowMs: number },
): readonly Segment[] {
  const imports = new Set(epochs.filter(({ kind }) => kind === "import").map(({ id }) => id));
  const toMs = Math.min(range.toMs, range.nowMs);
  const own = spans.filter((span) => span.system === system);
  const newestMs = Math.max(...own.map((span) => span.toMs));
  const stretches = own
    .map((span) => {
      const lastsMs = span.toMs === newestMs ? span.toMs + Math.max(span.patienceMs, 1) : span.toMs;
      return { epoch: span.epoch, fromMs: span.fromMs, toMs: lastsMs };
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
