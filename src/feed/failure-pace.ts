/** How soon a feed that fails is asked again, and when its discovery file is. */
import type { FetchFailure } from "./failures.ts";

/** A feed that is gone is looked at again this often. */
const GONE_RECHECK_MS = 6 * 3_600_000;
/** This many 404 in a row, and the feed is looked at again only so often. */
const MISSING_POLLS = 3;
export const MISSING_RECHECK_MS = 3_600_000;
/** This many failures in a row, and the discovery file is asked whether there is another version. */
const FAILURES_TO_REDISCOVER = 5;

/** The server says that there is no such file. */
export function isMissing({ outcome }: FetchFailure): boolean {
  return outcome === "http_404" || outcome === "http_410";
}

export class FailurePace {
  #missing = 0;
  #failures = 0;

  succeeded(): void {
    this.#missing = 0;
    this.#failures = 0;
  }

  failed(failure: FetchFailure): { readonly retryAfterMs: number | null; readonly rediscover: boolean } {
    const gone = failure.outcome === "http_410";
    this.#missing = failure.outcome === "http_404" ? this.#missing + 1 : 0;
    this.#failures += 1;
    const leastMs = gone ? GONE_RECHECK_MS : this.#missing >= MISSING_POLLS ? MISSING_RECHECK_MS : null;
    return {
      retryAfterMs: leastMs === null ? failure.retryAfterMs : Math.max(failure.retryAfterMs ?? 0, leastMs),
      // A file that is not where it was may have moved; after many failures another version may be better.
      rediscover: gone || this.#missing > 0 || this.#failures % FAILURES_TO_REDISCOVER === 0,
    };
  }
}
