/**
 * An HTTP body as text, read and kept piece by piece: no buffer is larger than a piece, because one of many megabytes, once
 * freed, makes glibc keep all later ones in a heap that hardly shrinks again (docs/decisions/0033).
 *
 *   chunks ─▶ within the cap? ─▶ decompress ─▶ within the cap? ─▶ digest, UTF-8 ─▶ parts of the text
 */
import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import { createGunzip, createGzip } from "node:zlib";
import { codingsOf, decoders, windowBytes } from "./content-coding.ts";
import { JsonWeight } from "./json-weight.ts";
import type { Share } from "./memory-budget.ts";

/** A body that was read whole. */
export interface BodyText {
  /** The text, without a byte order mark, in parts that end between characters. Whoever parses it may empty it. */
  readonly parts: string[];
  /** Decompressed. */
  readonly bytes: number;
  readonly transferredBytes: number;
  /** SHA-1 of the decompressed bytes. */
  readonly digest: string;
  /** The body as it came, in pieces, when it came gzipped. */
  readonly gzipped: readonly Buffer[] | null;
  /** What it may take parsed, about bytes; 0 where that was not asked for. */
  readonly weight: number;
  /** Room among all feeds, of which `heldBytes` are for the text. Whoever is done with the body releases it. */
  readonly share: Share;
  readonly heldBytes: number;
}

export interface BodyOptions {
  /** `Content-Encoding`; empty for none. */
  readonly encoding: string;
  /** Of a compressed body, as transferred. */
  readonly mostCompressedBytes: number;
  /** Decompressed. */
  readonly mostBytes: number;
  /** What the parsed body may take, about bytes. @default Infinity */
  readonly mostWeight?: number;
  /** Room among all feeds. */
  readonly share?: Share;
  readonly signal?: AbortSignal;
}

/** Why a body is not taken, in the words of failures.ts; broken connections and data are errors. */
export interface BodyRefusal {
  readonly outcome: "too_large" | "bad_encoding";
  /** As half a sentence. */
  readonly why: string;
}

/** Nothing is counted. */
const NO_SHARE: Share = { take: () => null, give: () => {}, release: () => {} };
/** Decompressed bytes at a time: few enough turns of the thread pool, and no large buffer. */
const PIECE_BYTES = 64 * 1024;
/** Lists of stations compress to a tenth or a thirtieth; beyond this much text, what compresses better is a bomb. */
const GREATEST_RATIO = 100;
const RATIO_FROM_BYTES = 1024 * 1024;
/** Small bodies need no room among all feeds. */
const SMALL_BYTES = 128 * 1024;

/** Reads a body whole. Rejects as its stream does, and with zlib's errors. */
export async function readBody(
  body: AsyncIterable<Buffer>,
  options: BodyOptions,
): Promise<BodyText | BodyRefusal> {
  const { encoding, mostCompressedBytes } = options;
  const codings = codingsOf(encoding);
  if (codings === null) return { outcome: "bad_encoding", why: "compressed over and over" };
  const chunks = body[Symbol.asyncIterator]();
  const first = await firstBytes(chunks);
  const steps = decoders(codings, first, PIECE_BYTES);
  const text = new PieceByPiece(options, windowBytes(codings, steps.length));
  const came: Buffer[] | null = steps.length === 1 && isGunzip(first) ? [] : null;
  let transferredBytes = 0;
  async function* counted(): AsyncGenerator<Buffer> {
    let chunk: Buffer = first;
    for (;;) {
      transferredBytes += chunk.length;
      text.transferredBytes = transferredBytes;
      if (steps.length > 0 && transferredBytes > mostCompressedBytes) {
        text.refuse(`more than ${mostCompressedBytes} bytes compressed`);
        return;
      }
      // A copy: the chunk is a window on the socket's larger block.
      came?.push(Buffer.from(chunk));
      if (chunk.length > 0) yield chunk;
      const next = await chunks.next();
      if (next.done === true) return;
      chunk = next.value;
    }
  }
  try {
    if (steps.length === 0) await text.take(counted(), false);
    else {
      const sink = (pieces: AsyncIterable<Buffer>): Promise<void> => text.take(pieces, true);
      // Its types know no list of steps.
      await pipeline([counted, ...steps, sink] as unknown as [NodeJS.ReadableStream, NodeJS.WritableStream]);
    }
  } catch (error) {
    // What we cut off at a cap is damaged too; that it was too large is the reason.
    if (text.refused === null) {
      options.share?.release();
      throw error;
    }
  } finally {
    // Whatever is left of it is not wanted.
    await chunks.return?.().catch(() => undefined);
  }
  if (text.refused !== null) {
    options.share?.release();
    return { outcome: "too_large", why: text.refused };
  }
  return { ...text.end(), transferredBytes, gzipped: came, share: options.share ?? NO_SHARE };
}

function isGunzip(first: Uint8Array): boolean {
  return first[0] === 0x1f && first[1] === 0x8b;
}

/** Enough of a body to see what it is: at least two bytes, if it has them. */
async function firstBytes(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let first: Buffer = Buffer.alloc(0);
  while (first.length < 8) {
    const next = await chunks.next();
    if (next.done === true) break;
    first = first.length === 0 ? next.value : Buffer.concat([first, next.value]);
  }
  return first;
}

/** The text of a gzipped body that was kept, in parts. */
export async function readGzipped(pieces: readonly Buffer[]): Promise<string[]> {
  const text = new PieceByPiece({ mostBytes: Infinity });
  await pipeline(pieces, createGunzip({ chunkSize: PIECE_BYTES }), (read: AsyncIterable<Buffer>) =>
    text.take(read, false),
  );
  return text.end().parts;
}

/** Gzips a text in parts, fast rather than small. */
export async function gzipText(parts: readonly string[]): Promise<readonly Buffer[]> {
  const gzipped: Buffer[] = [];
  await pipeline(encoded(parts), createGzip({ level: 1 }), async (pieces: AsyncIterable<Buffer>) => {
    for await (const piece of pieces) gzipped.push(Buffer.from(piece));
  });
  return gzipped;
}

function* encoded(parts: readonly string[]): Generator<Buffer> {
  for (const part of parts) yield Buffer.from(part, "utf8");
}

/** Pieces of UTF-8 made text, up to caps on its size, its weight and how well it was compressed. */
class PieceByPiece {
  bytes = 0;
  transferredBytes = 0;
  /** Why it is not read on, as half a sentence. */
  refused: string | null = null;
  readonly #options: Pick<BodyOptions, "mostBytes" | "mostWeight" | "share" | "signal">;
  readonly #weight: JsonWeight | null;
  readonly #windowBytes: number;
  readonly #hash = createHash("sha1");
  readonly #decoder = new StringDecoder("utf8");
  readonly #parts: string[] = [];
  /** What the text takes: two bytes a character where one of a part needs them. */
  #heldBytes = 0;
  /** Of them, what was taken of the room among all feeds. */
  #takenBytes = 0;

  /** @param windowBytes that the decompressors look back on, at most: they take what the body is long until then */
  constructor(options: Pick<BodyOptions, "mostBytes" | "mostWeight" | "share" | "signal">, windowBytes = 0) {
    this.#options = options;
    this.#windowBytes = windowBytes;
    this.#weight = options.mostWeight === undefined ? null : new JsonWeight(options.mostWeight);
  }

  refuse(why: string): void {
    this.refused ??= why;
  }

  /** Stops as soon as it is refused. */
  async take(pieces: AsyncIterable<Buffer>, compressed: boolean): Promise<void> {
    const { mostBytes, share, signal } = this.#options;
    for await (const piece of pieces) {
      this.bytes += piece.length;
      const why = this.#weight?.take(piece) ?? null;
      if (why !== null) this.refuse(why);
      if (compressed && this.bytes > RATIO_FROM_BYTES && this.bytes > GREATEST_RATIO * this.transferredBytes)
        this.refuse(`compressed to less than a ${GREATEST_RATIO}th`);
      this.#hash.update(piece);
      const part = this.#decoder.write(piece);
      const held = part.length * (WIDE.test(part) ? 2 : 1);
      this.#heldBytes += held;
      if (this.bytes > mostBytes || this.#heldBytes > mostBytes) this.refuse(`more than ${mostBytes} bytes`);
      if (this.refused !== null) return;
      this.#parts.push(part);
      if (share === undefined || this.#heldBytes <= SMALL_BYTES) continue;
      const wanted = this.#heldBytes + Math.min(this.bytes, this.#windowBytes);
      const room = share.take(wanted - this.#takenBytes, signal);
      this.#takenBytes = wanted;
      if (room !== null) await room;
    }
  }

  end(): Pick<BodyText, "parts" | "bytes" | "digest" | "weight" | "heldBytes"> {
    const parts = this.#parts;
    parts.push(this.#decoder.end());
    const first = parts.findIndex((part) => part !== "");
    if (parts[first]?.charCodeAt(0) === 0xfeff) parts[first] = parts[first].slice(1);
    const digest = this.#hash.digest("base64");
    return {
      parts,
      bytes: this.bytes,
      digest,
      weight: this.#weight?.weight ?? 0,
      heldBytes: this.#takenBytes,
    };
  }
}

/** A character that makes V8 hold the whole part with two bytes each. */
const WIDE = /[\u0100-\uffff]/;
