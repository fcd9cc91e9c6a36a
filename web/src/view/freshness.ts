/** How far a system's data can be trusted right now, from its own word and from the clock. */
import type { System } from "../../../src/http/api-types.ts";
import type { Link } from "../live/connection.ts";

export type Trust = "fresh" | "stale" | "failing" | "waiting";

/** Staleness is judged by the running clock, not only by the server's last word: a silent server makes data stale too. */
export function trustIn(system: System, nowMs: number): Trust {
  if (system.observed_at === null) return "waiting";
  if (nowMs - system.observed_at > system.stale_after_ms) return "stale";
  return system.state === "failing" || system.state === "stopped" ? "failing" : "fresh";
}

/** The age of the oldest system's data: what the page as a whole may claim. Null before there is any. */
export function oldestAgeMs(systems: Iterable<System>, nowMs: number): number | null {
  let oldest: number | null = null;
  for (const { observed_at: observedAtMs } of systems) {
    if (observedAtMs !== null) oldest = Math.max(oldest ?? 0, nowMs - observedAtMs);
  }
  return oldest;
}

/** A short break is not worth a banner: the browser changes networks, the server restarts. */
export function isLost(link: Link): boolean {
  return link.state === "waiting" || (link.state === "connecting" && link.attempt > 1);
}
