/**
 * All clients of one filter: what they are sent is serialised, and compressed, once for all of them.
 *
 *   snapshot at seq 40 (kept while the journal still leads on from it) ──▶ deltas 41, 42 … ──▶ live
 */
import { createHash } from "node:crypto";
import type { Delta } from "../domain/change-journal.ts";
import type { LiveView } from "../domain/live-view.ts";
import { presentArea, presentDelta, presentStation, type StreamFilter } from "./present.ts";
import { SseEvent, sseText } from "./sse-event.ts";
import type { StreamClient } from "./stream-client.ts";

/** Stations in one part of a snapshot: about 1.5 MB of JSON, parsed by a browser within a frame or two. */
export const SNAPSHOT_PART_STATIONS = 5_000;
/** Encoded deltas kept for clients that reconnect. */
const ENCODED_DELTAS = 16;
/** A kept snapshot is made anew when the deltas after it hold this many areas and stations. */
const SNAPSHOT_DRIFT_ITEMS = 2_000;

export interface Snapshot {
  readonly seq: number;
  readonly events: readonly SseEvent[];
}

/** One text per filter; also the key under which its channel is found. */
export function filterName(filter: StreamFilter): string {
  return JSON.stringify([filter.systemId, filter.areas, filter.stations]);
}

export class StreamChannel {
  readonly filter: StreamFilter;
  /** Those that are sent every delta. */
  readonly clients = new Set<StreamClient>();
  /** Those, and the ones still joining. */
  members = 0;
  /** The systems as last sent to a client that came. */
  systems: { readonly atMs: number; readonly event: SseEvent } | null = null;
  readonly #view: LiveView;
  /** Ids begin with it, so that an id of another process, or of another filter, is told apart. */
  readonly #idPrefix: string;
  readonly #encoded = new Map<number, SseEvent | null>();
  #snapshot: Snapshot | null = null;
  #making: Promise<Snapshot> | null = null;

  constructor(view: LiveView, filter: StreamFilter, epoch: string) {
    this.#view = view;
    this.filter = filter;
    const hash = createHash("sha256").update(filterName(filter)).digest("base64url").slice(0, 6);
    this.#idPrefix = `${epoch}.${hash}-`;
  }

  /** The sequence number in an id of this channel; null for any other id. */
  seqOf(id: string): number | null {
    if (!id.startsWith(this.#idPrefix)) return null;
    const seq = id.slice(this.#idPrefix.length);
    return /^\d{1,15}$/.test(seq) ? Number(seq) : null;
  }

  /** The event of a delta; null when the filter leaves nothing of it. */
  encode(delta: Delta): SseEvent | null {
    const held = this.#encoded.get(delta.seq);
    if (held !== undefined) return held;
    const data = presentDelta(delta, this.filter);
    const event =
      data === null
        ? null
        : new SseEvent(sseText("delta", JSON.stringify(data), `${this.#idPrefix}${delta.seq}`));
    this.#encoded.set(delta.seq, event);
    if (this.#encoded.size > ENCODED_DELTAS) {
      const [oldest] = this.#encoded.keys();
      if (oldest !== undefined) this.#encoded.delete(oldest);
    }
    return event;
  }

  /**
   * Everything as of a recent commit; the journal leads on from its `seq`.
   * @param leastSeq what the client has seen: it is not taken back behind that
   */
  snapshot(leastSeq: number): Promise<Snapshot> {
    const held = this.#snapshot;
    if (held !== null && held.seq >= leastSeq) {
      const since = this.#view.since(held.seq);
      const drift = since?.reduce((sum, d) => sum + d.areas.length + d.stations.length, 0);
      if (drift !== undefined && drift <= SNAPSHOT_DRIFT_ITEMS) return Promise.resolve(held);
    }
    this.#making ??= this.#make().finally(() => (this.#making = null));
    return this.#making;
  }

  async #make(): Promise<Snapshot> {
    const { systemId } = this.filter;
    const seq = this.#view.seq;
    // The objects are never changed: holding them all now makes the parts one moment, though time passes below.
    const areas = this.filter.areas
      ? [...this.#view.areas()].filter((area) => systemId === null || area.totals.systemId === systemId)
      : [];
    const stations = this.filter.stations
      ? [...this.#view.stations()].filter(({ place }) => systemId === null || place.systemId === systemId)
      : [];
    const parts = Math.max(1, Math.ceil(stations.length / SNAPSHOT_PART_STATIONS));
    const events: SseEvent[] = [];
    for (let part = 1; part <= parts; part += 1) {
      const data = JSON.stringify({
        part,
        parts,
        areas: part === 1 ? areas.map(presentArea) : [],
        stations: stations
          .slice((part - 1) * SNAPSHOT_PART_STATIONS, part * SNAPSHOT_PART_STATIONS)
          .map(presentStation),
      });
      const event = new SseEvent(
        sseText("snapshot", data, part === parts ? `${this.#idPrefix}${seq}` : undefined),
      );
      await event.deflate();
      events.push(event);
    }
    this.#snapshot = { seq, events };
    return this.#snapshot;
  }
}
