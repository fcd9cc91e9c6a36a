/**
 * What is lost for good, told with its true reason: in the log once a reason and stretch of reading, in a counter, and in
 * `/readyz` as long as the archive reads what is left, and an hour longer.
 */
import type { Clock, Logger, Metrics } from "../../ports.ts";
import type { GapReason, RecordedGap } from "../files/manifest.ts";

const TOLD_FOR_MS = 3_600_000;

const HOW: Readonly<Record<GapReason, string>> = {
  compacted: "were compacted away before the archive read them",
  retention: "were removed by the topic's retention before the archive read them",
  disk_full: "were gone from the log before the disk had space again",
  not_writable: "were gone from the log before the archive could be written again",
  journal_damaged: "stood in a damaged stretch of the archive's journal",
};

export class Losses {
  readonly #clock: Pick<Clock, "now">;
  readonly #logger: Logger;
  readonly #metrics: Metrics;
  readonly #told = new Set<GapReason>();
  #last: { readonly atMs: number; readonly sentence: string } | null = null;

  constructor(clock: Pick<Clock, "now">, logger: Logger, metrics: Metrics) {
    this.#clock = clock;
    this.#logger = logger;
    this.#metrics = metrics;
  }

  add(gaps: readonly RecordedGap[]): void {
    for (const [reason, own] of Map.groupBy(gaps, (gap) => gap.reason as GapReason)) {
      this.#metrics.count("velostream_archive_gaps_total", { reason }, own.length);
      const [from, to] = [
        Math.min(...own.map(({ fromMs }) => fromMs)),
        Math.max(...own.map(({ toMs }) => toMs)),
      ];
      const sentence = `Records between ${new Date(from).toISOString()} and ${new Date(to).toISOString()} ${HOW[reason]} (${reason}).`;
      this.#last = { atMs: this.#clock.now(), sentence };
      if (this.#told.has(reason)) continue;
      this.#told.add(reason);
      this.#logger.error(
        "archive.records_lost",
        `${sentence} The history has a gap there: velostream history sql "FROM gaps" lists them.`,
        { reason, systems: new Set(own.map(({ system }) => system)).size },
      );
    }
  }

  /** What is left is read: another loss is another one. */
  caughtUp(): void {
    this.#told.clear();
  }

  /** One sentence for an hour after the last loss. */
  get recent(): string | null {
    if (this.#last === null || this.#clock.now() - this.#last.atMs > TOLD_FOR_MS) return null;
    return this.#last.sentence;
  }
}
