/**
 * Of when a feed's content is, from the first poll on: a poll that succeeds now may bring data of last year.
 *
 *   a change seen while watching ──▶ it is at least as new as that
 *   the header's time ─────────────▶ what the publisher says, unless the content has long stood still under it
 *   the newest report ─────────────▶ where there is no header, or no station has reported for a day before it
 *
 * Reports tell an age, and never an order (invariant 2).
 */
import type { StationStatus } from "../record/station.ts";

/** Clocks differ by less; what is further ahead says nothing. */
const MOST_AHEAD_MS = 5 * 60_000;
/** Times before 2010 are no feed's. */
const LEAST_MS = Date.UTC(2010, 0, 1);
/** Stations of a feed that works report more often: Vélib' newest were 13 to 43 minutes old. */
const REPORTS_SILENT_MS = 24 * 3_600_000;

export interface ContentSigns {
  readonly nowMs: number;
  /** The header's time. */
  readonly headerMs: number | null;
  /** The newest `last_reported` of any station. */
  readonly reportedMs: number | null;
  /** When a change was last seen; null before the first. */
  readonly changedAtMs: number | null;
  /** Since when the content has stood still for too long; null while it has not. */
  readonly frozenSinceMs: number | null;
}

/** @returns epoch ms, not later than now; null when nothing tells */
export function contentTime(signs: ContentSigns): number | null {
  const { nowMs, changedAtMs, frozenSinceMs } = signs;
  const header = plausible(signs.headerMs, nowMs);
  const reported = plausible(signs.reportedMs, nowMs);
  const said =
    header !== null && reported !== null && header - reported > REPORTS_SILENT_MS ? reported : header;
  const claimed = said ?? reported;
  if (changedAtMs !== null && frozenSinceMs === null) return Math.max(changedAtMs, claimed ?? changedAtMs);
  // A header that moves over a content that does not is not believed.
  if (frozenSinceMs !== null) return changedAtMs ?? Math.min(claimed ?? frozenSinceMs, frozenSinceMs);
  return claimed;
}

/** The newest `last_reported` that is a time; null where stations tell none. */
export function newestReportMs(stations: readonly StationStatus[], nowMs: number): number | null {
  let newest: number | null = null;
  for (const { lastReportedMs } of stations) {
    const atMs = plausible(lastReportedMs, nowMs);
    if (atMs !== null && (newest === null || atMs > newest)) newest = atMs;
  }
  return newest;
}

function plausible(atMs: number | null, nowMs: number): number | null {
  return atMs === null || atMs < LEAST_MS || atMs > nowMs + MOST_AHEAD_MS ? null : Math.min(atMs, nowMs);
}
