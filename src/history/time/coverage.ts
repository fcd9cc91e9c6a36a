/**
 * When a system was really watched, told from the log alone. Pure.
 *
 *   records of a system   │││││││        ││││││││   every poll that publishes anything observed every station
 *   spans                 ├─────┤        ├──────┤
 *   gap                          └──────┘           longer than the system is ever silent while it is polled
 *
 * The log's partitions are read one after the other when there is much to read, so the times of records come in any
 * order. They are kept until nothing earlier is to be expected, and looked at in order (watch.ts):
 *
 *   settled span ├────────┤ │ │  │ │   │ times kept ─▶ settle() ─▶ settled
 */
import { joined, without } from "./missing.ts";
import { spansFrom, unsettledFrom, type Missing, type Span, type Unsettled } from "./spans.ts";
import { fold, newWatch, reopened, type Watch } from "./watch.ts";

/** Times kept while the log is read as it grows: a quarter of an hour of a poll a minute. */
const KEPT = 16;
/** Times kept while it is read up to its end, partition after partition: a month of a poll a minute. */
const KEPT_BEHIND = 50_000;

/** What of a system is not told of, for records are missing. */
export interface MissingOf extends Missing {
  readonly system: string;
}

interface Kept {
  readonly system: string;
  readonly epoch: number;
  settled: Watch | null;
  timesMs: number[];
  missing: Missing[];
  /** By partition: the time of its last record. */
  readonly lanes: Map<number, number>;
  /** What the times come to, gone on with while they come in order: asked at every flush, of every system. */
  tail: { readonly watch: Watch; readonly closed: Span[] } | null;
}

/** Follows the records of every system and keeps the spans. */
export class Coverage {
  #closed: Span[];
  readonly #kept = new Map<string, Kept>();
  /** By epoch and system: what was known before the first record. */
  readonly #knownToMs = new Map<string, number>();

  /**
   * @param spans as kept earlier, with those that follow from `unsettled`; they are gone on with
   */
  constructor(spans: readonly Span[] = [], unsettled: readonly Unsettled[] = []) {
    this.#closed = [...spans];
    for (const { system, epoch, toMs } of spans) {
      const id = idOf(system, epoch);
      this.#knownToMs.set(id, Math.max(toMs, this.#knownToMs.get(id) ?? 0));
    }
    for (const { system, epoch, settled, timesMs, missing, lanes } of unsettled)
      this.#kept.set(idOf(system, epoch), {
        system,
        epoch,
        settled: settled === null ? null : reopened(settled),
        timesMs: [...timesMs],
        missing: [...missing],
        lanes: new Map(lanes),
        tail: null,
      });
    this.#closed = this.#closed.filter(({ system, epoch, fromMs }) => {
      const kept = this.#kept.get(idOf(system, epoch));
      return kept === undefined || fromMs < (kept.settled?.span.fromMs ?? -Infinity);
    });
  }

  /** Every span, the open ones too. */
  spans(): readonly Span[] {
    const spans = [...this.#closed];
    for (const kept of this.#kept.values()) {
      if (kept.tail === null) {
        const closed: Span[] = [];
        const watch = follow(kept, kept.timesMs, closed);
        if (watch !== null) kept.tail = { watch, closed };
      }
      if (kept.tail !== null) spans.push(...kept.tail.closed, ...kept.tail.watch.early, kept.tail.watch.span);
    }
    return spans;
  }

  /** What `spans` alone does not tell: to be kept beside them. */
  unsettled(): readonly Unsettled[] {
    return [...this.#kept.values()].map(({ system, epoch, settled, timesMs, missing, lanes }) => ({
      system,
      epoch,
      settled: settled?.span ?? null,
      timesMs: [...timesMs],
      missing: [...missing],
      lanes: [...lanes],
    }));
  }

  /** A record of a system, read from a partition: it was watched at `atMs`. */
  observe(system: string, epoch: number, atMs: number, partition = 0): void {
    this.pass(system, epoch, atMs, partition);
    const kept = this.#keptOf(system, epoch);
    const { settled, timesMs } = kept;
    if (settled !== null && atMs <= settled.span.toMs) {
      const { span } = settled;
      if (atMs < span.fromMs && span.fromMs - atMs <= span.patienceMs) {
        settled.span = { ...span, fromMs: atMs };
        kept.tail = null;
      }
      return;
    }
    const at = placeOf(timesMs, atMs);
    if (timesMs[at - 1] !== atMs) {
      if (at === timesMs.length && kept.missing.length === 0 && kept.tail !== null)
        fold(kept.tail.watch, atMs, kept.tail.closed);
      else kept.tail = null;
      timesMs.splice(at, 0, atMs);
    }
    if (timesMs.length > KEPT_BEHIND) this.#settle(kept, KEPT_BEHIND / 2);
  }

  /** A record of a system was read from a partition, which by itself does not say that it was watched. */
  pass(system: string, epoch: number, atMs: number, lane: number): void {
    const { lanes } = this.#keptOf(system, epoch);
    lanes.set(lane, Math.max(atMs, lanes.get(lane) ?? 0));
  }

  /**
   * Records of a partition are missing, before one of `untilMs`: any of the systems that it had records of, and of these.
   * Call before that one is observed.
   */
  miss(epoch: number, lane: number, untilMs: number, systems: Iterable<string>): readonly MissingOf[] {
    const concerned = new Set(systems);
    // What is missing came after the last record of all.
    let lastMs: number | undefined;
    for (const kept of this.#kept.values()) {
      const ownMs = kept.epoch === epoch ? kept.lanes.get(lane) : undefined;
      if (ownMs === undefined) continue;
      concerned.add(kept.system);
      lastMs = Math.max(ownMs, lastMs ?? 0);
    }
    return [...concerned].flatMap((system) => {
      const id = idOf(system, epoch);
      const fromMs = this.#kept.get(id)?.lanes.get(lane) ?? lastMs ?? this.#knownToMs.get(id) ?? 0;
      if (fromMs >= untilMs) return [];
      this.#without(system, epoch, { fromMs, toMs: untilMs });
      return [{ system, fromMs, toMs: untilMs }];
    });
  }

  #without(system: string, epoch: number, gone: Missing): void {
    const kept = this.#keptOf(system, epoch);
    kept.tail = null;
    kept.missing = joined([...kept.missing, gone]);
    const others = this.#closed.filter((span) => span.system !== system || span.epoch !== epoch);
    const own = this.#closed.filter((span) => span.system === system && span.epoch === epoch);
    this.#closed = [...others, ...own.flatMap((span) => without(span, gone))];
    if (kept.settled === null) return;
    const parts = without(kept.settled.span, gone);
    const last = parts.at(-1);
    // What ended before it is not gone on with.
    if (last !== undefined && last.patienceMs > 0) kept.settled.span = last;
    else kept.settled = null;
    this.#closed.push(...parts.filter((part) => part !== kept.settled?.span));
  }

  /** The log is read as it grows: nothing much earlier is to be expected. */
  settle(): void {
    for (const kept of this.#kept.values()) if (kept.timesMs.length > 2 * KEPT) this.#settle(kept, KEPT);
  }

  /** Nothing more comes of other epochs than these. */
  closeAllBut(epochs: readonly number[]): void {
    for (const [id, kept] of this.#kept) {
      if (epochs.includes(kept.epoch)) continue;
      const watch = follow(kept, kept.timesMs, this.#closed);
      if (watch !== null) {
        this.#closed.push(...watch.early, watch.span);
        this.#knownToMs.set(id, Math.max(watch.span.toMs, this.#knownToMs.get(id) ?? 0));
      }
      this.#kept.delete(id);
    }
  }

  /** What is older than `fromMs` was removed. */
  forget(fromMs: number): void {
    const unsettled = unsettledFrom(this.unsettled(), fromMs);
    this.#closed = spansFrom(this.#closed, fromMs);
    for (const kept of this.#kept.values()) {
      const { settled, timesMs } = unsettled.find(
        ({ system, epoch }) => system === kept.system && epoch === kept.epoch,
      ) ?? { settled: null, timesMs: [] };
      kept.tail = null;
      kept.timesMs = [...timesMs];
      if (kept.settled !== null && settled !== null) kept.settled.span = settled;
      else kept.settled = null;
    }
  }

  #settle(kept: Kept, keep: number): void {
    const times = kept.timesMs.splice(0, kept.timesMs.length - keep);
    kept.tail = null;
    kept.settled = follow(kept, times, this.#closed);
    const settledMs = kept.settled?.span.toMs ?? 0;
    kept.missing = kept.missing.filter(({ toMs }) => toMs > settledMs);
    // What was kept apart for want of knowledge is told of for good.
    this.#closed.push(...(kept.settled?.early.splice(0) ?? []));
  }

  #keptOf(system: string, epoch: number): Kept {
    const id = idOf(system, epoch);
    let kept = this.#kept.get(id);
    if (kept === undefined) {
      const settled = this.#lastSpan(system, epoch);
      kept = { system, epoch, settled, timesMs: [], missing: [], lanes: new Map(), tail: null };
      this.#kept.set(id, kept);
    }
    return kept;
  }

  /** The span that ended last in this epoch is gone on with: after a restart, over Kafka. */
  #lastSpan(system: string, epoch: number): Watch | null {
    // Of a new epoch there is none among all the others'.
    if (!this.#knownToMs.has(idOf(system, epoch))) return null;
    let found = -1;
    for (const [index, span] of this.#closed.entries())
      if (span.system === system && span.epoch === epoch && span.toMs >= (this.#closed[found]?.toMs ?? -1))
        found = index;
    const span = this.#closed[found];
    if (span === undefined || span.patienceMs === 0) return null;
    this.#closed.splice(found, 1);
    return reopened(span);
  }
}

/** Index after the last time up to `atMs`. */
function placeOf(timesMs: readonly number[], atMs: number): number {
  let low = 0;
  let high = timesMs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timesMs[middle] ?? Infinity) <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

function idOf(system: string, epoch: number): string {
  return `${epoch}\n${system}`;
}

/** The watch after `times`; what it closes goes to `closed`. Changes nothing of `kept`. */
function follow(
  { system, epoch, settled, missing }: Kept,
  times: readonly number[],
  closed: Span[],
): Watch | null {
  let watch = settled === null ? null : { ...settled, early: [...settled.early] };
  for (const atMs of times) {
    if (missing.some(({ fromMs, toMs }) => atMs > fromMs && atMs < toMs)) continue;
    const lastMs = watch?.span.toMs ?? atMs;
    if (watch !== null && missing.some(({ toMs }) => toMs > lastMs && toMs <= atMs)) {
      closed.push(...watch.early, { ...watch.span, patienceMs: 0 });
      watch = null;
    }
    if (watch === null) watch = newWatch(system, epoch, atMs);
    else fold(watch, atMs, closed);
  }
  return watch;
}
