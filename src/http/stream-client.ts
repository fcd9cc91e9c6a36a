/**
 * One client of the event stream, bounded: the buffers written are shared by all clients, and a client that leaves
 * more than the limit unread is told to resync and let go.
 *
 *   open ──unread > limit──▶ ending ──all read, or 10 s──▶ closed
 *     └───────── end() ─────────┘
 */
import { GZIP_HEADER, type SseEvent, type StreamChunk } from "./sse-event.ts";

/** Where a client's bytes go: an HTTP response, or a test. */
export interface StreamSink {
  write(chunk: StreamChunk): void;
  /** Bytes written and not yet taken by the operating system. */
  unreadBytes(): number;
  end(): void;
  destroy(): void;
}

export interface StreamClientOptions {
  readonly sink: StreamSink;
  readonly gzip: boolean;
  readonly maxUnreadBytes: number;
  /** Called once, when the client has read too slowly. */
  readonly onSlow: (client: StreamClient) => void;
}

export class StreamClient {
  readonly #options: StreamClientOptions;
  /** Bytes of a backlog that may be unread on top of the limit, until they were read. */
  #allowanceBytes = 0;
  #ending = false;

  constructor(options: StreamClientOptions) {
    this.#options = options;
    if (options.gzip) options.sink.write(GZIP_HEADER);
  }

  get ending(): boolean {
    return this.#ending;
  }

  get gzip(): boolean {
    return this.#options.gzip;
  }

  /** Sends one event, unless the client is too far behind. */
  send(event: SseEvent): void {
    if (this.#ending) return;
    const { sink, maxUnreadBytes, onSlow } = this.#options;
    const unreadBytes = sink.unreadBytes();
    if (unreadBytes === 0) this.#allowanceBytes = 0;
    if (unreadBytes > maxUnreadBytes + this.#allowanceBytes) {
      this.#ending = true;
      onSlow(this);
      return;
    }
    this.#write(event);
  }

  /** Sends what a client asked for by connecting, a snapshot or what it missed; it may take its time to read it. */
  sendBacklog(events: readonly SseEvent[]): void {
    if (this.#ending) return;
    for (const event of events) this.#allowanceBytes += this.#write(event);
  }

  /** Says a last word and ends. */
  end(event: SseEvent): void {
    this.#ending = true;
    this.#write(event);
    this.#options.sink.end();
  }

  destroy(): void {
    this.#ending = true;
    this.#options.sink.destroy();
  }

  #write(event: SseEvent): number {
    const chunk = this.#options.gzip ? event.deflated : event.plain;
    this.#options.sink.write(chunk);
    return chunk.bytes.length;
  }
}
