/** The Clock port on the machine's own clock. */
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../ports.ts";

export const systemClock: Clock = {
  now: () => Date.now(),
  sleep: async (durationMs, signal) => {
    try {
      await delay(Math.max(0, durationMs), undefined, signal === undefined ? {} : { signal });
    } catch {
      // Aborted: the sleeper looks at its signal itself.
    }
  },
};
