/** Attacks what a publisher serves: the bytes of a body in any encoding, and the files of a system as values. */
import { Readable } from "node:stream";
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from "node:zlib";
import { parseCatalogue } from "../../../src/feed/catalogue-rows.ts";
import { readBody } from "../../../src/feed/body-text.ts";
import { parseParts } from "../../../src/feed/json-parts.ts";
import { decodeStationStatus } from "../../../src/domain/gbfs/station-status.ts";
import { fuzzOnce } from "./gbfs-files.ts";
import { bentBytes, below, oddText, pick, type FuzzTarget, type Random } from "./target.ts";

const ENCODINGS = {
  "": (bytes: Buffer) => bytes,
  gzip: gzipSync,
  deflate: deflateSync,
  br: brotliCompressSync,
  zstd: zstdCompressSync,
} as const;
const MOST_BYTES = 256 * 1024;

export const feedTarget: FuzzTarget = {
  name: "feed",
  open: () => Promise.resolve({ once, close: () => Promise.resolve() }),
};

async function once(random: Random): Promise<void> {
  for (let n = 0; n < 20; n += 1) fuzzOnce(random);
  await body(random);
  const row = `FR,${oddText(random)},"${oddText(random)}",id${below(random, 3)},u,https://x.example/g.json,2.3,\n`;
  const head =
    "Country Code,Name,Location,System ID,URL,Auto-Discovery URL,Supported Versions,Authentication Info URL\n";
  refusable(() => parseCatalogue(bentBytes(Buffer.from(head + row), random).toString("utf8")));
}

/** One body as it comes from the wire: decompressed under its caps, parsed in parts, decoded. */
async function body(random: Random): Promise<void> {
  const stations = Array.from({ length: below(random, 30) }, (_, n) => ({
    station_id: random() < 0.1 ? oddText(random) : `s${n}`,
    num_bikes_available: n,
    num_docks_available: 3,
    name: "é".repeat(below(random, 40)),
  }));
  const filler = random() < 0.1 ? pick(random, ["[", "{}", " ", '{"a":']).repeat(below(random, 400_000)) : "";
  const plain = Buffer.from(JSON.stringify({ last_updated: 1, data: { stations } }) + filler);
  const encoding = pick(random, Object.keys(ENCODINGS) as (keyof typeof ENCODINGS)[]);
  let bytes = ENCODINGS[encoding](random() < 0.5 ? bentBytes(plain, random) : plain);
  if (random() < 0.5) bytes = bentBytes(bytes, random);
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = 1 + below(random, 4_000);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  const limits = { encoding, mostCompressedBytes: MOST_BYTES / 2, mostBytes: MOST_BYTES };
  // Broken compression is the stream's error, and a failed poll for whoever reads.
  const read = await readBody(Readable.from(pieces), limits).catch((error: unknown) => {
    if (!(error instanceof Error)) throw error;
    return null;
  });
  if (read === null || "outcome" in read) return;
  const value = refusable(() => parseParts([...read.parts], 1_024));
  if (value !== undefined) decodeStationStatus(value, new Map());
}

/** What says no in words: text that is no JSON, no table. Anything else is a defect. */
function refusable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const isRefusal = error instanceof SyntaxError || (error as Error).name.endsWith("Error");
    if (!isRefusal || error instanceof TypeError || error instanceof RangeError) throw error;
    return undefined;
  }
}
