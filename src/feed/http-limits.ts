/** How long, how much and how often is fetched at most. */
export interface HttpLimits {
  /** From sending the request to the first byte of the answer, ms. */
  readonly firstByteMs: number;
  /** From the start to the last byte, redirects included, ms. */
  readonly totalMs: number;
  readonly compressedBytes: number;
  readonly decompressedBytes: number;
  /** What a parsed body may take, about bytes (json-weight.ts). */
  readonly parsedBytes: number;
  /** Bodies held at once by all feeds together, as text or parsed, about bytes. */
  readonly heldBytes: number;
  /** What all feeds together keep of large files from poll to poll, about bytes. */
  readonly keptBytes: number;
  /** Stations of large systems, all feeds together. */
  readonly stations: number;
  /** The share of both that a server gets which the user did not name. */
  readonly strangerShare: number;
  readonly redirects: number;
}

/**
 * Stations that are kept as decoded from poll to poll, of the systems that came first: some 10 MB. The rest is read again,
 * which takes a tenth of the memory.
 */
export const KEPT_DECODED_STATIONS = 10_000;

/** Room for a system of 100,000 stations, and an end to a bad day. */
export const HTTP_LIMITS: HttpLimits = {
  firstByteMs: 15_000,
  totalMs: 60_000,
  compressedBytes: 16 * 1024 * 1024,
  decompressedBytes: 64 * 1024 * 1024,
  parsedBytes: 128 * 1024 * 1024,
  heldBytes: 48 * 1024 * 1024,
  keptBytes: 64 * 1024 * 1024,
  stations: 100_000,
  strangerShare: 0.25,
  redirects: 5,
};
