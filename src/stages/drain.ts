/** How long stages may take to finish what is in hand once they are told to stop. */
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
