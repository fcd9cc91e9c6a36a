/** Tells of what is wrong with a feed and stops nothing: once in the log, as long as it lasts as a flag. */
import type { FeedProblem, FeedSource, Logger, Metrics, SystemDescription, SystemFlag } from "../../ports.ts";

export interface FeedProblemsOptions {
  readonly source: FeedSource;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class FeedProblems {
  #told: readonly FeedProblem[] = [];

  /** Looks at the source again. @returns one flag for each kind of problem */
  tell(
    { source, logger, metrics }: FeedProblemsOptions,
    { systemId: system }: SystemDescription,
  ): readonly SystemFlag[] {
    const now = source.problems?.() ?? [];
    for (const problem of now.filter((one) => !this.#told.some((other) => same(one, other)))) {
      const { flag, subject, outcome, message } = problem;
      metrics.set("velostream_feed_flag", { system, flag }, 1);
      logger.warn(`feed.${flag}`, message, { system, subject, outcome });
    }
    for (const { flag, subject } of this.#told) {
      if (!now.some((one) => one.flag === flag)) metrics.forget("velostream_feed_flag", { system, flag });
      if (!now.some((one) => one.flag === flag && one.subject === subject))
        logger.info(`feed.${flag}_over`, `${subject} is all right again.`, { system, subject });
    }
    this.#told = now;
    return [...new Set(now.map(({ flag }) => flag))].map((flag) => {
      const ofFlag = now.filter((one) => one.flag === flag);
      return {
        flag,
        sinceMs: Math.min(...ofFlag.map(({ sinceMs }) => sinceMs)),
        message: ofFlag.map(({ message }) => message).join(" "),
      };
    });
  }
}

function same(one: FeedProblem, other: FeedProblem): boolean {
  return one.flag === other.flag && one.subject === other.subject && one.outcome === other.outcome;
}
