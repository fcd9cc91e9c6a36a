/**
 * The rejects record of topic `velib-projet-rejects` (docs/contracts.md), and which rejects of a poll are news: a
 * record that is broken in the same way at every poll is counted every time and kept once.
 */
import type { Reject } from "./station.ts";

/** A reject's own record is kept up to this many characters of JSON; a feed could send megabytes. */
const MAX_RECORD_CHARACTERS = 16_384;

/** The JSON value of one reject. */
export function encodeReject(systemId: string, reject: Reject, observedAtMs: number): string {
  const record = JSON.stringify(reject.record) ?? "null";
  return JSON.stringify({
    system_id: systemId,
    reason: reject.reason,
    path: reject.path,
    ...(reject.stationId === null ? {} : { station_id: reject.stationId }),
    observed_at: observedAtMs,
    ...(record.length <= MAX_RECORD_CHARACTERS
      ? { record: reject.record }
      : { record: record.slice(0, MAX_RECORD_CHARACTERS), record_truncated: true }),
  });
}

/** Remembers the rejects of the last poll of one system. */
export class RejectMemory {
  #last = new Set<string>();

  /** Those of `rejects` that the last call did not hold in the same words. */
  news(rejects: readonly Reject[]): Reject[] {
    if (rejects.length === 0 && this.#last.size === 0) return [];
    const now = new Set<string>();
    const news = rejects.filter((reject) => {
      const place = reject.stationId ?? reject.path;
      const word = `${reject.reason}\n${place}\n${JSON.stringify(reject.record)?.slice(0, MAX_RECORD_CHARACTERS) ?? ""}`;
      now.add(word);
      return !this.#last.has(word);
    });
    this.#last = now;
    return news;
  }
}
