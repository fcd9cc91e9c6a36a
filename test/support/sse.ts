/** Reads an event stream as a browser does (WHATWG HTML, "server-sent events"), and holds what a client of ours holds. */
import assert from "node:assert/strict";
import { createGunzip } from "node:zlib";
import type {
  Area,
  DeltaEvent,
  SnapshotEvent,
  Station,
  System,
  SystemsEvent,
} from "../../src/http/api-types.ts";
import { GZIP_HEADER, type StreamChunk } from "../../src/http/sse-event.ts";
import type { StreamSink } from "../../src/http/stream-client.ts";

export interface ReceivedEvent {
  readonly event: string;
  readonly data: string;
  /** The last event id after this event. */
  readonly lastEventId: string;
}

/** Incremental parser; `comments` counts the lines that carry nothing. */
export class SseParser {
  readonly events: ReceivedEvent[] = [];
  comments = 0;
  retryMs: number | null = null;
  lastEventId = "";
  #rest = "";
  #event = "";
  #data: string[] = [];

  push(text: string): void {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) this.#line(line);
  }

  #line(line: string): void {
    if (line === "") {
      if (this.#data.length > 0) {
        this.events.push({
          event: this.#event,
          data: this.#data.join("\n"),
          lastEventId: this.lastEventId,
        });
      }
      this.#event = "";
      this.#data = [];
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) {
      this.comments += 1;
      return;
    }
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#event = value;
    else if (field === "data") this.#data.push(value);
    else if (field === "id") this.lastEventId = value;
    else if (field === "retry") this.retryMs = Number(value);
    else assert.fail(`unknown field ${field}`);
  }
}

/** What a client of the stream holds: docs/api.md, "Events". */
export class StreamState {
  readonly areas = new Map<string, Area>();
  readonly stations = new Map<string, Station>();
  readonly systems = new Map<string, System>();
  resyncs: string[] = [];

  apply({ event, data }: ReceivedEvent): void {
    switch (event) {
      case "systems": {
        for (const system of (JSON.parse(data) as SystemsEvent).systems) {
          this.systems.set(system.system_id, system);
        }
        break;
      }
      case "snapshot": {
        const { part, areas, stations } = JSON.parse(data) as SnapshotEvent;
        if (part === 1) {
          this.areas.clear();
          this.stations.clear();
        }
        for (const area of areas) this.areas.set(area.key, area);
        for (const station of stations) this.stations.set(station.key, station);
        break;
      }
      case "delta": {
        const delta = JSON.parse(data) as DeltaEvent;
        for (const key of delta.areas_removed) assert.ok(this.areas.delete(key), "removes what is held");
        for (const key of delta.stations_removed)
          assert.ok(this.stations.delete(key), "removes what is held");
        for (const area of delta.areas) this.areas.set(area.key, area);
        for (const patch of delta.stations) {
          const merged = { ...this.stations.get(patch.key), ...patch } as Station;
          assert.ok("postcode" in merged, "a new station comes whole");
          this.stations.set(patch.key, merged);
        }
        break;
      }
      case "resync":
        this.resyncs.push(data);
        break;
      case "heartbeat":
        break;
      default:
        assert.fail(`unknown event ${event}`);
    }
  }
}

/** A client inside the test: reads what it is sent at once, or not at all while `stalled`. */
export class TestSink implements StreamSink {
  readonly parser = new SseParser();
  readonly chunks: Buffer[] = [];
  stalled = false;
  ended = false;
  destroyed = false;
  #unread = 0;

  write({ bytes }: StreamChunk): void {
    this.chunks.push(bytes);
    if (this.stalled) this.#unread += bytes.length;
    else if (this.chunks[0] !== GZIP_HEADER.bytes) this.parser.push(bytes.toString("utf8"));
  }

  unreadBytes(): number {
    return this.#unread;
  }

  end(): void {
    this.ended = true;
  }

  destroy(): void {
    this.destroyed = true;
  }

  /** Events so far, but for the systems and heartbeats that depend on the clock. */
  get changes(): readonly ReceivedEvent[] {
    return this.parser.events.filter(({ event }) => event !== "systems" && event !== "heartbeat");
  }
}

/** Unpacks what a client that asked for gzip was sent, ended or not. */
export function gunzip(chunks: readonly Buffer[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const stream = createGunzip();
    let text = "";
    stream.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
    stream.on("error", reject);
    for (const chunk of chunks) stream.write(chunk);
    stream.flush(() => setImmediate(() => resolve(text)));
  });
}
