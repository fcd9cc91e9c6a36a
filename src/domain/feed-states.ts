/**
 * What the topic of feeds says now: the newest state of each system, and whether anybody still tells of it.
 *
 *   record ─▶ unusable, from the future, of another key? ─▶ rejected
 *                  │ none
 *                  ▼
 *   newest of its system; a collector's farewell counts only when no other collector has told since
 */
import { systemKey } from "../record/keys.ts";
import { decodeFeedState, type FeedState } from "./feed-record.ts";
import { isAhead, unusableReason, type ReadRecord } from "../record/received-record.ts";
import type { Applied } from "./live-view.ts";
import { WRITER_HEADER } from "../record/writer.ts";

/** A collector tells of each feed every minute: one that was silent for three of them is gone. */
export const SILENT_AFTER_MS = 180_000;

/** A feed's state as it was last told, and when. */
export interface ToldFeed {
  readonly feed: FeedState;
  /** Epoch ms, by the collector's clock. */
  readonly toldAtMs: number;
  /** Who told; empty where the record does not say. */
  readonly collector: string;
}

export class FeedStates {
  readonly #told = new Map<string, ToldFeed>();

  /** Takes one record of the topic of feeds, in log order. */
  apply(record: ReadRecord, nowMs: number): Applied {
    if (unusableReason(record) !== null || record.key === null) return "rejected";
    const collector = record.headers[WRITER_HEADER] ?? "";
    if (record.value === null) return this.#removed(record.key, collector);
    const feed = decodeFeedState(record.value.toString("utf8"));
    if (feed === null || record.key !== systemKey(feed.systemId)) return "rejected";
    if (isAhead(record.timestampMs, nowMs)) return "rejected";
    const held = this.#told.get(record.key);
    const told = { feed, toldAtMs: record.timestampMs, collector };
    if (held !== undefined && isOvershadowed(told, held)) return "stale";
    this.#told.set(record.key, told);
    return "changed";
  }

  values(): IterableIterator<ToldFeed> {
    return this.#told.values();
  }

  /** One collector takes a system off its list; another may go on with it. */
  #removed(key: string, collector: string): Applied {
    const held = this.#told.get(key);
    if (held === undefined) return "unchanged";
    if (held.collector !== collector && held.feed.state !== "stopped") return "stale";
    this.#told.delete(key);
    return "changed";
  }
}

/** A collector that stops, or steps back, says nothing about the one that goes on. */
function isOvershadowed(told: ToldFeed, held: ToldFeed): boolean {
  if (told.feed.state !== "stopped" || held.feed.state === "stopped") return false;
  return held.collector !== told.collector && told.toldAtMs - held.toldAtMs <= SILENT_AFTER_MS;
}
