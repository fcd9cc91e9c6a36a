/** How far a system's data can be trusted right now, from its own word and from the clock. */
import type { System } from "../../../src/http/api-types.ts";
import type { Link } from "../live/connection.ts";

export type Trust = "fresh" | "stale" | "failing" | "waiting";

/** Staleness is judged by the running clock, not only by the server's last word: a silent server makes data stale too. */
export function trustIn(system: System, nowMs: number): Trust {
  if (system.observed_at === null) return "waiting";
  if (nowMs - system.observed_at > system.stale_after_ms || isOldContent(system, nowMs)) return "stale";
  return system.state === "failing" || system.state === "stopped" ? "failing" : "fresh";
}

/** The feed is checked, and what it says is old: of last year, perhaps. */
export function isOldContent(system: System, nowMs: number): boolean {
  const { content_at: contentAtMs, content_stale_after_ms: staleAfterMs } = system;
  return contentAtMs !== null && staleAfterMs !== null && nowMs - contentAtMs > staleAfterMs;
}

/** The system with the oldest content of those whose content is too old; null when there is none. */
export function oldestContent(systems: Iterable<System>, nowMs: number): System | null {
  let oldest: System | null = null;
  for (const system of systems) {
    if (isOldContent(system, nowMs) && (system.content_at ?? 0) < (oldest?.content_at ?? Infinity))
      oldest = system;
  }
  return oldest;
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
