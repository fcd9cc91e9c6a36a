/** How long stages may take to finish what is in hand once they are told to stop, and when they are waited for no longer. */
import type { Clock } from "../ports.ts";

/** A healthy broker acknowledges in milliseconds; one that is away must not hold up Ctrl-C for long. */
export const DRAIN_MS = 5_000;

/**
 * Aborts DRAIN_MS after `stop` does: what is in hand may finish, what cannot be finished is given up.
 * @param finished aborts when nothing is in hand any more, so that no timer outlives the stage
 */
export function drainSignal(
  stop: AbortSignal,
  clock: Pick<Clock, "sleep">,
  finished?: AbortSignal,
): AbortSignal {
  const drained = new AbortController();
  const begin = (): void => void clock.sleep(DRAIN_MS, finished).then(() => drained.abort());
  if (stop.aborted) begin();
  else stop.addEventListener("abort", begin, { once: true });
  return drained.signal;
}

/** Resolves as `work` does, or when `signal` aborts. */
export async function unlessGivenUp(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const ended = new AbortController();
  const givenUp = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true, signal: ended.signal });
  });
  try {
    await Promise.race([work, givenUp]);
  } finally {
    ended.abort();
  }
}
