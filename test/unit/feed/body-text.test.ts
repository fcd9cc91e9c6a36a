/** Bodies read piece by piece: the same text, caps and failures as if they were read whole. */
import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import { gzipText, readBody, readGzipped, type BodyOptions } from "../../../src/feed/body-text.ts";
import { outcomeOf } from "../../../src/feed/failures.ts";

const CAPS = { mostCompressedBytes: 1_000_000, mostBytes: 1_000_000 };
/** Characters of one to four bytes, more of them than fit into one piece. */
const TEXT = "aé€🚲".repeat(20_000);

function read(bytes: Buffer, options: Partial<BodyOptions> = {}, chunkBytes = 1_021) {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return readBody(Readable.from(chunks), { encoding: "", ...CAPS, ...options });
}

test("gives the text of a body in whatever encoding, wherever its chunks are cut", async () => {
  const bytes = Buffer.from(TEXT);
  const digest = createHash("sha1").update(bytes).digest("base64");
  for (const [encoding, encoded] of [
    ["", bytes],
    ["identity", bytes],
    ["gzip", gzipSync(bytes)],
    ["x-gzip", gzipSync(bytes)],
    ["deflate", deflateSync(bytes)],
    ["br", brotliCompressSync(bytes)],
    ["zstd", zstdCompressSync(bytes)],
  ] as const) {
    const body = await read(encoded, { encoding });
    assert.ok(typeof body === "object", encoding);
    assert.ok(body.parts.join("") === TEXT, encoding);
    assert.deepEqual([body.bytes, body.transferredBytes], [bytes.length, encoded.length], encoding);
    assert.equal(body.digest, digest);
    if (encoding.endsWith("gzip")) assert.deepEqual(Buffer.concat(body.gzipped ?? []), encoded);
    else assert.equal(body.gzipped, null);
  }
});

test("drops a byte order mark, replaces what is not UTF-8", async () => {
  const body = await read(Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62, 0xe2, 0x82]), {}, 1);
  assert.equal(typeof body === "object" && body.parts.join(""), "a\ufffdb\ufffd");
});

test("refuses what is larger than a cap, and takes what just fits", async () => {
  const bytes = randomFillSync(Buffer.alloc(300_000));
  const gzipped = gzipSync(bytes);
  assert.equal(await read(bytes, { mostBytes: bytes.length - 1 }), "too_large");
  assert.equal(await read(gzipped, { encoding: "gzip", mostBytes: bytes.length - 1 }), "too_large");
  const capped = { encoding: "gzip", mostCompressedBytes: gzipped.length - 1 };
  assert.equal(await read(gzipped, capped), "too_large");
  const body = await read(gzipped, {
    encoding: "gzip",
    mostBytes: bytes.length,
    mostCompressedBytes: gzipped.length,
  });
  assert.equal(typeof body === "object" && body.bytes, bytes.length);
  assert.equal(await read(gzipped, { encoding: "compress" }), "bad_encoding");
});

test("a body that is cut, damaged or broken off rejects with the reason", async () => {
  const gzipped = gzipSync(TEXT);
  const outcome = (reading: Promise<unknown>) => reading.then(() => "read", outcomeOf);
  assert.equal(await outcome(read(gzipped.subarray(0, 100), { encoding: "gzip" })), "truncated");
  assert.equal(await outcome(read(Buffer.from("no gzip"), { encoding: "gzip" })), "bad_encoding");
  const reset = Object.assign(new Error("reset"), { code: "ECONNRESET" });
  for (const encoding of ["", "gzip"]) {
    const broken = Readable.from(
      (async function* () {
        yield encoding === "" ? Buffer.from("{") : gzipped.subarray(0, 100);
        throw reset;
      })(),
    );
    assert.equal(await outcome(readBody(broken, { encoding, ...CAPS })), "reset", encoding);
  }
});

test("a text that is kept gzipped comes back as it was", async () => {
  for (const text of ["", "{}", TEXT, `x${TEXT}`])
    assert.ok((await readGzipped(await gzipText([text]))).join("") === text);
  assert.equal(gunzipSync(Buffer.concat(await gzipText([TEXT]))).toString(), TEXT);
});
