/**
 * Decompresses the records of a batch, into no more than a bound: half a megabyte from a stranger may unfold to half a
 * gigabyte, which the process would have to hold as a whole.
 *
 *   gzip, zstd     stopped by Node while they unfold
 *   snappy         says its size at the start of each piece
 *   lz4            its size is counted from the lengths of its sequences, before any byte is unfolded
 */
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { compressionsAlgorithmsByBitmask } from "@platformatic/kafka";

/**
 * Ours hold 900 kB before compression, those of Kafka's own clients 16 kB to 1 MiB (batch.size): what unfolds to more
 * than this was not made to be read.
 */
export const MOST_UNFOLDED_BYTES = 32 * 1024 * 1024;

const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;

/** The records unfold to more than the bound. */
export class UnfoldsTooFar extends Error {}

/**
 * @param compression the number in the batch's attributes; 0 is none
 * @throws UnfoldsTooFar, or any error where the bytes are not what `compression` says
 */
export function decompress(
  compression: number,
  bytes: Buffer,
  mostBytes: number = MOST_UNFOLDED_BYTES,
): Buffer {
  if (compression === 0) return bytes;
  if (compression === GZIP) return unfold(() => gunzipSync(bytes, { maxOutputLength: mostBytes }));
  if (compression === ZSTD) return unfold(() => zstdDecompressSync(bytes, { maxOutputLength: mostBytes }));
  const algorithm = compressionsAlgorithmsByBitmask[compression];
  if (algorithm === undefined) throw new RangeError(`no compression of Kafka has number ${compression}`);
  if (compression === SNAPPY && snappySize(bytes) > mostBytes) throw new UnfoldsTooFar();
  if (compression === LZ4 && lz4Size(bytes, mostBytes) > mostBytes) throw new UnfoldsTooFar();
  return algorithm.decompressSync(bytes);
}

function unfold(work: () => Buffer): Buffer {
  try {
    return work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw new UnfoldsTooFar();
    throw error;
  }
}

/** Java's snappy writes pieces behind a header of 16 bytes; others write one piece alone. */
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

function snappySize(bytes: Buffer): number {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return leadingVarint(bytes, 0);
  let size = 0;
  for (let at = XERIAL_HEADER_BYTES; at + 4 <= bytes.length; at += 4 + bytes.readUInt32BE(at))
    size += leadingVarint(bytes, at + 4);
  return size;
}

function leadingVarint(bytes: Buffer, start: number): number {
  let value = 0;
  for (let at = start, scale = 1; at < start + 5; at += 1, scale *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
  }
  return value;
}

/** An lz4 frame's magic number; block sizes have their highest bit set where the block is not compressed. */
const LZ4_MAGIC = 0x184d2204;
const STORED = 0x8000_0000;
const BLOCK_CHECKSUM = 1 << 4;
const CONTENT_SIZE = 1 << 3;
const CONTENT_CHECKSUM = 1 << 2;
const DICTIONARY_ID = 1;
/** The shortest match; lengths in tokens count from it. */
const LEAST_MATCH = 4;

/** What the frames unfold to; it stops counting once that is more than `mostBytes`. */
function lz4Size(bytes: Buffer, mostBytes: number): number {
  let size = 0;
  let at = 0;
  while (at + 7 <= bytes.length) {
    if (bytes.readUInt32LE(at) !== LZ4_MAGIC) throw new RangeError("no lz4 frame");
    const flags = bytes[at + 4] ?? 0;
    // Magic number, flags, block size, header checksum.
    at += 7 + ((flags & CONTENT_SIZE) === 0 ? 0 : 8) + ((flags & DICTIONARY_ID) === 0 ? 0 : 4);
    for (;;) {
      const blockSize = bytes.readUInt32LE(at);
      at += 4;
      if (blockSize === 0) break;
      const length = blockSize % STORED;
      if (at + length > bytes.length) throw new RangeError("an lz4 block ends early");
      size += blockSize >= STORED ? length : lz4BlockSize(bytes, at, at + length);
      if (size > mostBytes) return size;
      at += length + ((flags & BLOCK_CHECKSUM) === 0 ? 0 : 4);
    }
    at += (flags & CONTENT_CHECKSUM) === 0 ? 0 : 4;
  }
  return size;
}

/** Sequences of a token, literals, and a match given by its distance and length. */
function lz4BlockSize(bytes: Buffer, start: number, end: number): number {
  let size = 0;
  let at = start;
  const length = (nibble: number): number => {
    if (nibble < 15) return nibble;
    let total = nibble;
    for (;;) {
      if (at >= end) throw new RangeError("an lz4 block ends early");
      const more = bytes[at] as number;
      at += 1;
      total += more;
      if (more < 255) return total;
    }
  };
  while (at < end) {
    const token = bytes[at] as number;
    at += 1;
    const literals = length(token >>> 4);
    size += literals;
    at += literals;
    // The last sequence has literals only.
    if (at >= end) break;
    at += 2;
    size += length(token & 0xf) + LEAST_MATCH;
  }
  return size;
}
