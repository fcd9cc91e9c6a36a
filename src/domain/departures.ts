/**
 * Which stations polls prove gone (invariant 4): absent often and long enough, by polls that are complete.
 *
 *   absent once ─▶ again ─▶ … three polls and two minutes ─▶ gone         back once ─▶ all is forgotten
 *   fewer than half of the stations there: truncated, proves nothing, until it stays so for half an hour
 *   a file of them could not be had: neither there nor absent, and what was proved before stands
 */
import type { Observed } from "./collection-plan.ts";
import { isFreeFloating, partOf } from "./free-floating.ts";

/** A station that leaves must be absent this often, and this long, before it is retracted (invariant 4). */
const RETIRE_AFTER_POLLS = 3;
const RETIRE_AFTER_MS = 120_000;
/** A poll with fewer than this share of the known stations is taken for truncated … */
const COMPLETE_SHARE = 0.5;
/** … unless the feed stays that small this long. */
const BELIEVE_SHRUNK_AFTER_MS = 30 * 60_000;

export class Departures {
  readonly #absent = new Map<string, { polls: number; sinceMs: number }>();
  #shrunkSinceMs: number | null = null;

  /**
   * Takes one poll.
   * @param known what is in the topic; only what is wanted here can leave
   * @param mayLeave false for a station that another collector, at work now, answers for
   * @returns the stations that this poll proves gone
   */
  *observe<T extends { readonly wanted: boolean; readonly observedAtMs: number }>(
    known: ReadonlyMap<string, T>,
    present: ReadonlySet<string>,
    mayLeave: (station: T, stationId: string) => boolean,
    { observedAtMs: nowMs, unobserved = [] }: Pick<Observed, "observedAtMs" | "unobserved">,
  ): IterableIterator<[string, T]> {
    let [seen, wanted] = [0, 0];
    for (const [stationId, station] of known) {
      if (!station.wanted || isFreeFloating(stationId)) continue;
      wanted += 1;
      if (present.has(stationId)) seen += 1;
    }
    const complete = seen >= wanted * COMPLETE_SHARE;
    if (!unobserved.includes("stations"))
      this.#shrunkSinceMs = complete ? null : (this.#shrunkSinceMs ?? nowMs);
    const believed =
      complete || (this.#shrunkSinceMs !== null && nowMs - this.#shrunkSinceMs >= BELIEVE_SHRUNK_AFTER_MS);
    for (const [stationId, station] of known) {
      if (!station.wanted) continue;
      if (present.has(stationId) || !mayLeave(station, stationId)) {
        this.#absent.delete(stationId);
        continue;
      }
      // Neither there nor absent: a file that fails proves nothing, and undoes nothing that other polls proved.
      if (unobserved.includes(partOf(stationId))) continue;
      // A complete vehicle file is the whole truth at its instant: no vehicle stands there any more (invariant 9).
      if (isFreeFloating(stationId)) {
        if (nowMs >= station.observedAtMs) yield [stationId, station];
        continue;
      }
      if (!believed) continue;
      const absence = this.#absent.get(stationId) ?? { polls: 0, sinceMs: nowMs };
      absence.polls += 1;
      this.#absent.set(stationId, absence);
      if (absence.polls >= RETIRE_AFTER_POLLS && nowMs - absence.sinceMs >= RETIRE_AFTER_MS)
        yield [stationId, station];
    }
  }

  /** A station is no longer in the topic. */
  forget(stationId: string): void {
    this.#absent.delete(stationId);
  }
}
