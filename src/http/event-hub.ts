/**
 * The event stream's centre: hands each commit of the view to every channel once, beats, resumes and drains.
 *
 *   connect ─▶ joining ──(Last-Event-ID still in the journal)── missed deltas ──▶ live ──▶ gone
 *                 └──(else, once the log is read)── snapshot, deltas since ───────▲
 */
import type { Clock, Logger, Metrics } from "../ports.ts";
import type { LiveView } from "../domain/live-view.ts";
import type { Delta } from "../domain/change-journal.ts";
import type { System } from "./api-types.ts";
import { SseEvent, sseText } from "./sse-event.ts";
import { StreamClient, type StreamSink } from "./stream-client.ts";
import { filterName, StreamChannel } from "./stream-channel.ts";
import type { StreamFilter } from "./present.ts";

/** Half of what proxies commonly allow a connection to be silent. */
const HEARTBEAT_INTERVAL_MS = 15_000;
const SYSTEMS_INTERVAL_MS = 1_000;
/** Clients read the server's clock from this event: it is shared no longer than a clock may be off unnoticed. */
const SHARE_SYSTEMS_MS = 100;
/** How long a client that was told to go may take to read its last words. */
const LAST_WORDS_MS = 10_000;
/** What a browser waits before it connects again. */
const OPENING = new SseEvent("retry: 2000\n\n");

export interface EventHubOptions {
  readonly view: LiveView;
  readonly systems: () => readonly System[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Differs between any two processes. */
  readonly epoch: string;
  /** @default 1 MiB */
  readonly maxUnreadBytes?: number;
}

export interface Connection {
  readonly filter: StreamFilter;
  readonly lastEventId: string | null;
  readonly gzip: boolean;
  readonly sink: StreamSink;
}

export class EventHub {
  readonly #options: EventHubOptions;
  readonly #channels = new Map<string, StreamChannel>();
  /** Every client with its channel, joining ones included. */
  readonly #clients = new Map<StreamClient, StreamChannel>();
  /** Dismissed clients that have not gone yet; aborted when they have. */
  readonly #leaving = new Map<StreamClient, AbortController>();
  readonly #stopping = new AbortController();
  readonly #live = Promise.withResolvers<void>();
  #isLive = false;
  /** JSON of each system as last sent. */
  #systemsSent = new Map<string, string>();

  constructor(options: EventHubOptions) {
    this.#options = options;
    void this.#every(HEARTBEAT_INTERVAL_MS, () => this.#beat());
    void this.#every(SYSTEMS_INTERVAL_MS, () => this.#sendSystems());
  }

  get clientCount(): number {
    return this.#clients.size;
  }

  /** The log has been read up to its present: snapshots may be sent. */
  get isLive(): boolean {
    return this.#isLive;
  }

  goLive(): void {
    if (this.#isLive) return;
    this.#isLive = true;
    this.#live.resolve();
  }

  /** The view has committed `delta`: every client that is live gets it. To be called before the next commit. */
  publish(delta: Delta): void {
    for (const channel of this.#channels.values()) {
      if (channel.clients.size === 0) continue;
      const event = channel.encode(delta);
      if (event === null) continue;
      for (const client of channel.clients) client.send(event);
      this.#options.metrics.count("velostream_stream_events_total", { event: "delta" }, channel.clients.size);
    }
    if (this.#isLive) this.#observeLatency(delta);
  }

  /** A client has connected. Returns what to call when it is gone. */
  connect(connection: Connection): () => void {
    const channel = this.#channel(connection.filter);
    const client = new StreamClient({
      sink: connection.sink,
      gzip: connection.gzip,
      maxUnreadBytes: this.#options.maxUnreadBytes ?? 1_048_576,
      onSlow: (slow) => this.#dismiss(slow, "slow"),
    });
    if (this.#clients.size === 0) this.#systemsSent = textsOf(this.#options.systems());
    this.#clients.set(client, channel);
    channel.members += 1;
    this.#gauge();
    client.send(OPENING);
    client.send(this.#systemsNow(channel));
    void this.#join(client, channel, connection.lastEventId);
    return () => {
      this.#forget(client);
      this.#leaving.get(client)?.abort();
    };
  }

  /** Tells every client that the server stops, and ends their streams. */
  close(): void {
    this.#stopping.abort();
    this.#live.resolve();
    for (const client of this.#clients.keys()) this.#dismiss(client, "draining");
  }

  async #join(client: StreamClient, channel: StreamChannel, lastEventId: string | null): Promise<void> {
    const { view } = this.#options;
    const seq = lastEventId === null ? null : channel.seqOf(lastEventId);
    const leastSeq = seq === null || seq > view.seq ? 0 : seq;
    if (seq !== null) {
      const missed = view.since(seq);
      if (missed !== null) {
        this.#options.metrics.count("velostream_stream_joins_total", { how: "resumed" });
        this.#startLive(client, channel, missed);
        return;
      }
    }
    await this.#live.promise;
    while (this.#clients.has(client) && !client.ending) {
      const snapshot = await channel.snapshot(leastSeq);
      const missed = view.since(snapshot.seq);
      // One under way for others was older, or the journal no longer leads on from it: once more.
      if (missed === null || snapshot.seq < leastSeq) continue;
      client.sendBacklog(snapshot.events);
      this.#options.metrics.count("velostream_stream_joins_total", { how: "snapshot" });
      this.#startLive(client, channel, missed);
      return;
    }
  }

  #startLive(client: StreamClient, channel: StreamChannel, missed: readonly Delta[]): void {
    if (client.ending || !this.#clients.has(client)) return;
    client.sendBacklog(missed.flatMap((delta) => channel.encode(delta) ?? []));
    channel.clients.add(client);
  }

  #dismiss(client: StreamClient, reason: "slow" | "draining"): void {
    // The empty id makes the browser forget where it was: it connects anew for a snapshot.
    client.end(new SseEvent(`id:\n${sseText("resync", JSON.stringify({ reason }))}`));
    this.#options.metrics.count("velostream_stream_resyncs_total", { reason });
    this.#forget(client);
    void this.#letGo(client);
  }

  async #letGo(client: StreamClient): Promise<void> {
    const gone = new AbortController();
    this.#leaving.set(client, gone);
    await this.#options.clock.sleep(LAST_WORDS_MS, gone.signal);
    this.#leaving.delete(client);
    client.destroy();
  }

  #forget(client: StreamClient): void {
    const channel = this.#clients.get(client);
    if (channel === undefined) return;
    this.#clients.delete(client);
    channel.clients.delete(client);
    channel.members -= 1;
    if (channel.members === 0) this.#channels.delete(filterName(channel.filter));
    this.#gauge();
  }

  #channel(filter: StreamFilter): StreamChannel {
    const name = filterName(filter);
    let channel = this.#channels.get(name);
    if (channel === undefined) {
      channel = new StreamChannel(this.#options.view, filter, this.#options.epoch);
      this.#channels.set(name, channel);
    }
    return channel;
  }

  #beat(): void {
    const now = this.#options.clock.now();
    const event = new SseEvent(`: heartbeat\n${sseText("heartbeat", JSON.stringify({ now }))}`);
    for (const client of this.#clients.keys()) client.send(event);
  }

  /** All systems of a channel, for those who come: one event for those who come together. */
  #systemsNow(channel: StreamChannel): SseEvent {
    const nowMs = this.#options.clock.now();
    const held = channel.systems;
    if (held !== null && nowMs - held.atMs < SHARE_SYSTEMS_MS) return held.event;
    const { systemId } = channel.filter;
    const systems = this.#options
      .systems()
      .filter(({ system_id: id }) => systemId === null || id === systemId);
    const event = this.#systemsEvent(systems);
    channel.systems = { atMs: nowMs, event };
    return event;
  }

  #systemsEvent(systems: readonly System[]): SseEvent {
    return new SseEvent(sseText("systems", JSON.stringify({ now: this.#options.clock.now(), systems })));
  }

  #sendSystems(): void {
    if (this.#clients.size === 0) return;
    const systems = this.#options.systems();
    const texts = textsOf(systems);
    const changed = systems.filter(({ system_id: id }) => texts.get(id) !== this.#systemsSent.get(id));
    this.#systemsSent = texts;
    if (changed.length === 0) return;
    const events = new Map<string | null, SseEvent | null>();
    for (const [client, channel] of this.#clients) {
      const { systemId } = channel.filter;
      let event = events.get(systemId);
      if (event === undefined) {
        const wanted = systemId === null ? changed : changed.filter(({ system_id: id }) => id === systemId);
        event = wanted.length === 0 ? null : this.#systemsEvent(wanted);
        events.set(systemId, event);
      }
      if (event !== null) client.send(event);
    }
  }

  #observeLatency(delta: Delta): void {
    let newestMs = 0;
    for (const { totals } of delta.areas) newestMs = Math.max(newestMs, totals.asOfMs);
    for (const { station } of delta.stations) newestMs = Math.max(newestMs, station.observedAtMs);
    if (newestMs === 0) return;
    const seconds = (this.#options.clock.now() - newestMs) / 1000;
    this.#options.metrics.observe("velostream_stream_latency_seconds", {}, Math.max(0, seconds));
  }

  #gauge(): void {
    this.#options.metrics.set("velostream_stream_clients", {}, this.#clients.size);
  }

  async #every(intervalMs: number, act: () => void): Promise<void> {
    const { clock, logger } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await clock.sleep(intervalMs, signal);
      if (signal.aborted) return;
      try {
        act();
      } catch (error) {
        logger.error("stream.failed", "A tick of the event stream failed; the next one goes on.", {
          err: error,
        });
      }
    }
  }
}

function textsOf(systems: readonly System[]): Map<string, string> {
  return new Map(systems.map((system) => [system.system_id, JSON.stringify(system)]));
}
