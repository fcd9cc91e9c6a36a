/**
 * One server-sent event, encoded once for all clients: as it is, and deflated.
 *
 * A deflated event is a whole raw deflate stream without its final block, cut at a byte (Z_SYNC_FLUSH). It refers to
 * nothing before it, so any sequence of them after GZIP_HEADER is one valid gzip stream (RFC 1951, RFC 1952): every
 * client has a compressed stream of its own, and the compression is done once (docs/decisions/0031).
 */
import { constants, deflateRaw, deflateRawSync } from "node:zlib";
import { promisify } from "node:util";

const deflateRawAsync = promisify(deflateRaw);
/** Level 4 takes half the time of zlib's default 6 and makes these events 5 % larger. */
const DEFLATE = { level: 4, finishFlush: constants.Z_SYNC_FLUSH };

/** Bytes to send, framed once as an HTTP/1.1 chunk (RFC 9112, section 7.1) for all who take them as such. */
export class StreamChunk {
  /** Size in hexadecimal, line break, bytes, line break. */
  readonly frame: Buffer;
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    const size = Buffer.from(`${bytes.length.toString(16)}\r\n`);
    this.frame = Buffer.concat([size, bytes, LINE_BREAK]);
    this.bytes = this.frame.subarray(size.length, size.length + bytes.length);
  }
}

const LINE_BREAK = Buffer.from("\r\n");

/** The header of a gzip stream: deflate, no name, no time, unknown system. */
export const GZIP_HEADER = new StreamChunk(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]));

export class SseEvent {
  readonly #text: string;
  #plain: StreamChunk | null = null;
  #deflated: StreamChunk | null = null;

  /** @param text whole lines, the empty line that ends the event included */
  constructor(text: string) {
    this.#text = text;
  }

  get plain(): StreamChunk {
    this.#plain ??= new StreamChunk(Buffer.from(this.#text));
    return this.#plain;
  }

  get deflated(): StreamChunk {
    this.#deflated ??= new StreamChunk(deflateRawSync(this.#text, DEFLATE));
    return this.#deflated;
  }

  /** Deflates off the main thread: for large events. */
  async deflate(): Promise<void> {
    this.#deflated ??= new StreamChunk(await deflateRawAsync(this.#text, DEFLATE));
  }
}

/** The text of an event. `data` must be JSON text (one line), `id` and `event` without line breaks. */
export function sseText(event: string, data: string, id?: string): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${data}\n\n`;
}
