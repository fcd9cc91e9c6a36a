/**
 * Learns how often a source really changes, from content alone: headers and ttl lie (DESIGN.md section 7).
 *
 * A poll that finds new content only brackets the change: it came after the poll before, and by this one. The next
 * change is expected in a window, which every bracket narrows and every prediction widens a little.
 *
 *   poll: nothing new   poll: new content                    next window, one period on, wider by the doubt
 *        ─┴────(▓▓▓▓▓▓)───┴─────────────────── … ──────────────(▒▓▓▓▓▓▓▒)──
 *             window ∩ bracket
 *
 * A window whose start no poll has proven (nothing new there) doubts itself more each time: else a period held too
 * long would confirm itself for ever, every poll finding something new.
 */

/** When the next change is expected. */
export interface ChangeWindow {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Gaps between changes remembered: enough for a steady mean, few enough to follow a publisher's new pace. */
const GAPS_KEPT = 16;
/** Fewer gaps say nothing about a period. */
const GAPS_NEEDED = 3;
/** How wrong a prediction one period on may be: this share of the period … */
const DOUBT_SHARE = 0.005;
/** … and this much. */
const DOUBT_MS = 200;
/** The start's doubt doubles with every change that no poll proved; beyond this it covers the whole period. */
const DOUBLINGS = 12;

export class ChangePeriod {
  /** ms between consecutive changes, oldest first. */
  #gapsMs: number[] = [];
  #lastPollMs: number | null = null;
  /** Where the last change was, as far as it is known. */
  #lastChange: ChangeWindow | null = null;
  /** Where the next change is expected. */
  #expected: ChangeWindow | null = null;
  #unchangedSinceChange = 0;
  #unproven = 0;
  #periodMs: number | null = null;

  /** Takes a successful poll. Polls that go back in time are ignored. */
  observe(atMs: number, changed: boolean): void {
    const previousMs = this.#lastPollMs;
    if (previousMs !== null && atMs <= previousMs) return;
    this.#lastPollMs = atMs;
    // The first poll always finds something new: it brackets nothing.
    if (previousMs === null) return;
    if (changed) this.#changed({ fromMs: previousMs, untilMs: atMs });
    else this.#unchangedSinceChange += 1;
  }

  /** Milliseconds between changes; null until known. A source that changes as fast as it is polled stays null. */
  get periodMs(): number | null {
    return this.#periodMs;
  }

  /**
   * The next expected change; null until a period is known. One that is late is still the next for half a period,
   * then it counts as skipped.
   */
  next(nowMs: number): ChangeWindow | null {
    const [periodMs, expected] = [this.#periodMs, this.#expected];
    if (periodMs === null || expected === null) return null;
    const skipped = Math.max(0, Math.floor((nowMs - expected.untilMs) / periodMs + 0.5)) * periodMs;
    return { fromMs: expected.fromMs + skipped, untilMs: expected.untilMs + skipped };
  }

  #changed(bracket: ChangeWindow): void {
    const change = narrow(bracket, this.next(bracket.fromMs));
    const gapMs = this.#lastChange === null ? null : middle(change) - middle(this.#lastChange);
    // Nothing but new content since the last change: the source may have changed more than once.
    const resolved = this.#unchangedSinceChange > 0;
    if (gapMs !== null && (resolved || this.#periodMs !== null)) this.#gapsMs.push(gapMs);
    else this.#gapsMs = [];
    if (this.#gapsMs.length > GAPS_KEPT) this.#gapsMs.shift();
    this.#unproven = resolved && bracket.fromMs >= change.fromMs ? 0 : this.#unproven + 1;
    this.#lastChange = change;
    this.#unchangedSinceChange = 0;
    this.#periodMs = estimate(this.#gapsMs);
    this.#expected = this.#periodMs === null ? null : this.#predict(change, this.#periodMs);
  }

  #predict(change: ChangeWindow, periodMs: number): ChangeWindow {
    const doubtMs = DOUBT_MS + periodMs * DOUBT_SHARE;
    const startDoubtMs = Math.min(periodMs * 0.75, doubtMs * 2 ** Math.min(this.#unproven, DOUBLINGS));
    return { fromMs: change.fromMs + periodMs - startDoubtMs, untilMs: change.untilMs + periodMs + doubtMs };
  }
}

/** The bracket, narrowed by what was expected; the bracket alone when they contradict each other. */
function narrow(bracket: ChangeWindow, expected: ChangeWindow | null): ChangeWindow {
  if (expected === null) return bracket;
  const fromMs = Math.max(bracket.fromMs, expected.fromMs);
  const untilMs = Math.min(bracket.untilMs, expected.untilMs);
  return fromMs <= untilMs ? { fromMs, untilMs } : bracket;
}

/** The mean of the gaps, each divided by the periods it spans: sources skip changes when nothing moved. */
function estimate(gapsMs: readonly number[]): number | null {
  if (gapsMs.length < GAPS_NEEDED) return null;
  let periodMs = median(gapsMs);
  // Newest gaps that all span several periods are no skips: the publisher has a new, slower pace.
  const newest = gapsMs.slice(-4);
  if (newest.length === 4 && newest.every((gap) => gap > 1.5 * periodMs)) return median(newest);
  const spanMs = gapsMs.reduce((sum, gap) => sum + gap, 0);
  for (let round = 0; round < 3; round += 1) {
    periodMs = spanMs / gapsMs.reduce((sum, gap) => sum + periodsIn(gap, periodMs), 0);
  }
  return periodMs;
}

/** Gaps come out up to a poll too long, so the benefit of the doubt goes to fewer periods. */
function periodsIn(gapMs: number, periodMs: number): number {
  return Math.max(1, Math.floor(gapMs / periodMs + 0.35));
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 1;
}

function middle(window: ChangeWindow): number {
  return (window.fromMs + window.untilMs) / 2;
}
