/**
 * The page's one source of truth: takes events from the connection, holds the state, and tells its listeners once a
 * frame at most, with all that changed since.
 *
 *   /api/v1/events ──▶ Connection ──▶ LiveState ──(once a frame)──▶ table, detail, map
 */
import type {
  DeltaEvent,
  HeartbeatEvent,
  SnapshotEvent,
  SystemAnswer,
  SystemsEvent,
} from "../../../src/http/api-types.ts";
import { Connection, type EventName, type Link } from "./connection.ts";
import { LiveState, type Change } from "./live-state.ts";
import { SeenHistory } from "./seen-history.ts";

export type Listener = (change: Change) => void;

export class LiveStore {
  readonly state = new LiveState();
  readonly areasSeen = new SeenHistory();
  readonly stationsSeen = new SeenHistory();
  link: Link = { state: "connecting", attempt: 1 };
  /** Server's facts that the event stream does not carry; null until answered. */
  server: Pick<SystemAnswer, "version" | "archive" | "tiles"> | null = null;
  /** When the link was last live, by this machine's clock; null before the first time. */
  lastLiveAtMs: number | null = null;
  /** When the page first held data, by the server's clock: nothing was seen before. */
  seenSinceMs: number | null = null;
  /** How often listeners were told: who rendered before the last time has missed something. */
  told = 0;
  readonly #connection: Connection;
  readonly #listeners = new Set<Listener>();
  #offsetMs = 0;
  #change: { stations: "all" | Set<string>; areas: "all" | Set<string>; systems: boolean } | null = null;
  #frame = 0;

  constructor() {
    this.#connection = new Connection({
      url: "api/v1/events",
      openStream: (url) => new EventSource(url),
      now: () => Date.now(),
      schedule: (task, delayMs) => {
        const timer = setTimeout(task, delayMs);
        return () => clearTimeout(timer);
      },
      random: () => Math.random(),
      onEvent: (name, data) => this.#take(name, data),
      onLink: (link) => this.#linked(link),
    });
  }

  start(): void {
    this.#connection.open();
    addEventListener("online", () => this.#connection.wake());
    addEventListener("pageshow", (event) => {
      if (event.persisted) this.#connection.open();
    });
    addEventListener("pagehide", () => this.#connection.close());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.#connection.wake();
      this.#schedule();
    });
  }

  retryNow(): void {
    this.#connection.open();
  }

  /** Epoch ms by the server's clock: ages are right whatever this machine's clock says. */
  now(): number {
    return Date.now() + this.#offsetMs;
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the first data has been drawn, or after `mostMs`. */
  async firstData(mostMs: number): Promise<void> {
    if (this.state.areas.size > 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(done, mostMs);
      const unsubscribe = this.subscribe(({ areas }) => {
        // One frame later it is on the screen.
        if (areas === "all") requestAnimationFrame(done);
      });
      function done(): void {
        clearTimeout(timer);
        unsubscribe();
        resolve();
      }
    });
  }

  #take(name: EventName, data: string): void {
    switch (name) {
      case "systems": {
        const event = JSON.parse(data) as SystemsEvent;
        this.#setClock(event.now);
        return this.#merge(this.state.takeSystems(event));
      }
      case "snapshot": {
        const change = this.state.takeSnapshot(JSON.parse(data) as SnapshotEvent);
        this.#remember(change);
        return this.#merge(change);
      }
      case "delta": {
        const change = this.state.takeDelta(JSON.parse(data) as DeltaEvent);
        this.#remember(change);
        return this.#merge(change);
      }
      case "heartbeat":
        return this.#setClock((JSON.parse(data) as HeartbeatEvent).now);
      case "resync":
        return undefined;
    }
  }

  #setClock(serverNowMs: number): void {
    this.#offsetMs = serverNowMs - Date.now();
  }

  #linked(link: Link): void {
    const was = this.link.state;
    if (was === "live" && link.state !== "live")
      this.lastLiveAtMs = link.state === "waiting" ? link.brokeAtMs : Date.now();
    this.link = link;
    if (link.state === "live" && was !== "live") void this.#askServer();
    this.#merge({ stations: new Set(), areas: new Set(), systems: true });
  }

  /** What the stream does not say: whether there is an archive, and which version answers. */
  async #askServer(): Promise<void> {
    try {
      const response = await fetch("api/v1/system");
      if (!response.ok) return;
      const { version, archive, tiles } = (await response.json()) as SystemAnswer;
      this.server = { version, archive, tiles };
      this.#merge({ stations: new Set(), areas: new Set(), systems: true });
    } catch {
      // The link tells people that the server is away; it is asked again when the link is back.
    }
  }

  #remember(change: Change): void {
    this.seenSinceMs ??= this.now();
    const { areas, stations } = this.state;
    for (const key of change.areas === "all" ? areas.keys() : change.areas) {
      const area = areas.get(key);
      if (area === undefined) {
        this.areasSeen.forget(key);
        continue;
      }
      const { nbr_total: total, nbr_elec: electric, nbr_meca: mechanical, docks, as_of: atMs } = area;
      this.areasSeen.record(key, { atMs, total, electric, mechanical, docks }, areas.size);
    }
    for (const key of change.stations === "all" ? stations.keys() : change.stations) {
      const station = stations.get(key);
      if (station === undefined) {
        this.stationsSeen.forget(key);
        continue;
      }
      const { nbr_total: total, nbr_elec: electric, nbr_meca: mechanical, nbr_docks: docks } = station;
      const seen = { atMs: station.observed_at, total, electric, mechanical, docks };
      this.stationsSeen.record(key, seen, stations.size);
    }
  }

  #merge(change: Change): void {
    const waiting = (this.#change ??= { stations: new Set(), areas: new Set(), systems: false });
    waiting.systems ||= change.systems;
    waiting.stations = union(waiting.stations, change.stations);
    waiting.areas = union(waiting.areas, change.areas);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#change === null || this.#frame !== 0 || document.hidden) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      const change = this.#change;
      this.#change = null;
      this.told += 1;
      if (change !== null) for (const listener of this.#listeners) listener(change);
    });
  }
}

function union(held: "all" | Set<string>, more: "all" | ReadonlySet<string>): "all" | Set<string> {
  if (held === "all" || more === "all") return "all";
  for (const key of more) held.add(key);
  return held;
}
