/**
 * What a `Content-Encoding` really means: publishers write character sets, `none` and `aws-chunked` into it, and label
 * plain text as gzipped. Names of no compression are passed over; the first bytes have the last word.
 */
import type { Transform } from "node:stream";
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
} from "node:zlib";

export type Coding = "gzip" | "deflate" | "br" | "zstd";

const NAMES: Readonly<Record<string, Coding>> = {
  gzip: "gzip",
  "x-gzip": "gzip",
  deflate: "deflate",
  br: "br",
  zstd: "zstd",
};
/**
 * How far back a decompressor looks, and so what it takes, bytes. RFC 9659 lets nobody send more than 8 MiB of zstd;
 * Brotli's greatest is 16 MiB.
 */
const WINDOW_BYTES = { gzip: 32 * 1024, deflate: 32 * 1024, br: 16 * 1024 * 1024, zstd: 8 * 1024 * 1024 };
const ZSTD_WINDOW_LOG = 23;
/** Nobody compresses more often; who lists more wants work done. */
const MOST_CODINGS = 3;

/** The compressions of a header, in the order in which they were applied; null when there are too many. */
export function codingsOf(header: string): readonly Coding[] | null {
  const codings = header
    .toLowerCase()
    .split(",")
    .flatMap((name) => NAMES[name.trim()] ?? []);
  return codings.length > MOST_CODINGS ? null : codings;
}

/** What `steps` decompressors of these may take beside what comes out of them. */
export function windowBytes(codings: readonly Coding[], steps: number): number {
  return codings.slice(0, steps).reduce((sum, coding) => sum + WINDOW_BYTES[coding], 0);
}

/** What undoes them, given how the body begins: text that is not compressed is left as it is. */
export function decoders(codings: readonly Coding[], first: Uint8Array, pieceBytes: number): Transform[] {
  const last = codings.at(-1);
  const options = { chunkSize: pieceBytes };
  if (last === undefined) return isGzip(first) ? [createGunzip(options)] : [];
  if (last !== "br" && looksPlain(first)) return [];
  return codings.toReversed().map((coding) => {
    if (coding === "gzip") return createGunzip(options);
    if (coding === "br") return createBrotliDecompress(options);
    if (coding === "zstd")
      return createZstdDecompress({
        ...options,
        params: { [constants.ZSTD_d_windowLogMax]: ZSTD_WINDOW_LOG },
      });
    // RFC 9110 means zlib's wrapper; some servers leave it out.
    return isZlib(first) ? createInflate(options) : createInflateRaw(options);
  });
}

/** RFC 1950: the method is 8, and the two bytes are a multiple of 31. */
function isZlib([method = 0, flags = 0]: Uint8Array): boolean {
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0;
}

function isGzip(first: Uint8Array): boolean {
  return first[0] === 0x1f && first[1] === 0x8b;
}

/** JSON or a page: no compressed body but Brotli's begins with these. */
function looksPlain(first: Uint8Array): boolean {
  return /^(\xef\xbb\xbf)?\s*[[{<]\s*["[{<!a-z\d\]}-]/i.test(
    Buffer.from(first.subarray(0, 64)).toString("latin1"),
  );
}
