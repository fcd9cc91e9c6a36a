/**
 * A record now and then in a system where nothing changes, so that a silence in the log means that nobody watched
 * (docs/history.md, "Gaps").
 */

/** With nothing published for this long, the station that waited longest is published again. */
export const HEARTBEAT_AFTER_MS = 300_000;

/**
 * The station to publish for want of any other news; null when there was some.
 * @param publishedAtMs when a station was last published; undefined when it never was
 */
export function heartbeatOf(
  observed: {
    readonly stations: readonly { readonly stationId: string }[];
    readonly observedAtMs: number;
  },
  publishedAtMs: (stationId: string) => number | undefined,
): string | null {
  let oldestMs = Infinity;
  let oldest: string | null = null;
  for (const { stationId } of observed.stations) {
    const atMs = publishedAtMs(stationId);
    if (atMs === undefined) continue;
    if (observed.observedAtMs - atMs < HEARTBEAT_AFTER_MS) return null;
    if (atMs < oldestMs) {
      oldestMs = atMs;
      oldest = stationId;
    }
  }
  return oldest;
}
