/**
 * An HTTP body as text, read and kept piece by piece: no buffer is larger than a piece, because one of many megabytes, once
 * freed, makes glibc keep all later ones in a heap that hardly shrinks again (docs/decisions/0033).
 *
 *   chunks ─▶ within the cap? ─▶ decompress ─▶ within the cap? ─▶ digest, UTF-8 ─▶ parts of the text
 */
import { createHash } from "node:crypto";
import { pipeline } from "node:stream/promises";
import { StringDecoder } from "node:string_decoder";
import {
  createBrotliDecompress,
  createGunzip,
  createGzip,
  createInflate,
  createZstdDecompress,
} from "node:zlib";

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
}

export interface BodyOptions {
  /** `Content-Encoding`; empty for none. */
  readonly encoding: string;
  /** Of a compressed body, as transferred. */
  readonly mostCompressedBytes: number;
  /** Decompressed. */
  readonly mostBytes: number;
}

/** Why a body could not be read, in the words of failures.ts; broken connections and data are errors. */
export type BodyRefusal = "too_large" | "bad_encoding";

/** Decompressed bytes at a time: few enough turns of the thread pool, and no large buffer. */
const PIECE_BYTES = 64 * 1024;

const DECOMPRESS = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
} as const;

/** Reads a body whole. Rejects as its stream does, and with zlib's errors. */
export async function readBody(
  body: AsyncIterable<Buffer>,
  { encoding, mostCompressedBytes, mostBytes }: BodyOptions,
): Promise<BodyText | BodyRefusal> {
  const text = new PieceByPiece(mostBytes);
  if (encoding === "" || encoding === "identity") {
    await text.take(body);
    return text.tooLarge ? "too_large" : { ...text.end(), transferredBytes: text.bytes, gzipped: null };
  }
  if (!Object.hasOwn(DECOMPRESS, encoding)) return "bad_encoding";
  const decompress = DECOMPRESS[encoding as keyof typeof DECOMPRESS]({ chunkSize: PIECE_BYTES });
  const came: Buffer[] | null = encoding.endsWith("gzip") ? [] : null;
  let transferredBytes = 0;
  async function* counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      transferredBytes += chunk.length;
      if (transferredBytes > mostCompressedBytes) return;
      // A copy: the chunk is a window on the socket's larger block.
      came?.push(Buffer.from(chunk));
      yield chunk;
    }
  }
  const tooLarge = (): boolean => text.tooLarge || transferredBytes > mostCompressedBytes;
  try {
    await pipeline(body, counted, decompress, (pieces: AsyncIterable<Buffer>) => text.take(pieces));
  } catch (error) {
    // What we cut off at a cap is damaged too; that it was too large is the reason.
    if (!tooLarge()) throw error;
  }
  return tooLarge() ? "too_large" : { ...text.end(), transferredBytes, gzipped: came };
}

/** The text of a gzipped body that was kept, in parts. */
export async function readGzipped(pieces: readonly Buffer[]): Promise<string[]> {
  const text = new PieceByPiece(Infinity);
  await pipeline(pieces, createGunzip({ chunkSize: PIECE_BYTES }), (read: AsyncIterable<Buffer>) =>
    text.take(read),
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

/** Pieces of UTF-8 made text, up to a cap. */
class PieceByPiece {
  bytes = 0;
  readonly #mostBytes: number;
  readonly #hash = createHash("sha1");
  readonly #decoder = new StringDecoder("utf8");
  readonly #parts: string[] = [];

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get tooLarge(): boolean {
    return this.bytes > this.#mostBytes;
  }

  /** Stops as soon as it is too large. */
  async take(pieces: AsyncIterable<Buffer>): Promise<void> {
    for await (const piece of pieces) {
      this.bytes += piece.length;
      if (this.tooLarge) return;
      this.#hash.update(piece);
      this.#parts.push(this.#decoder.write(piece));
    }
  }

  end(): Pick<BodyText, "parts" | "bytes" | "digest"> {
    const parts = this.#parts;
    parts.push(this.#decoder.end());
    const first = parts.findIndex((part) => part !== "");
    if (parts[first]?.charCodeAt(0) === 0xfeff) parts[first] = parts[first].slice(1);
    return { parts, bytes: this.bytes, digest: this.#hash.digest("base64") };
  }
}
