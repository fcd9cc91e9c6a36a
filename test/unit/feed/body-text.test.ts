/** Bodies read piece by piece: the same text, caps and failures as if they were read whole. */
import assert from "node:assert/strict";
import { createHash, randomFillSync } from "node:crypto";
import { Readable } from "node:stream";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import {
  brotliCompressSync,
  constants,
  deflateRawSync,
  deflateSync,
  gunzipSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import {
  gzipText,
  readBody,
  readGzipped,
  type BodyOptions,
  type BodyText,
} from "../../../src/feed/body-text.ts";
import { MemoryBudget } from "../../../src/feed/memory-budget.ts";
import { outcomeOf } from "../../../src/feed/failures.ts";

const CAPS = { mostCompressedBytes: 1_000_000, mostBytes: 1_000_000 };
/** Characters of one to four bytes, more of them than fit into one piece. */
const TEXT = "aé€🚲".repeat(20_000);

function read(bytes: Buffer, options: Partial<BodyOptions> = {}, chunkBytes = 1_021) {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  return outcomeIn(readBody(Readable.from(chunks), { encoding: "", ...CAPS, ...options }));
}

async function outcomeIn(reading: ReturnType<typeof readBody>): Promise<BodyText | string> {
  const body = await reading;
  return "outcome" in body ? body.outcome : body;
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

test("an encoding that names no compression is none, and the first bytes have the last word", async () => {
  const json = Buffer.from('{"data":{"stations":[]}}');
  for (const encoding of [
    "utf-8",
    "UTF-8",
    "none",
    "binary",
    "aws-chunked",
    "identity, utf-8",
    "8bit",
    "x",
    "",
  ]) {
    for (const bytes of [json, gzipSync(json)]) {
      const body = await read(bytes, { encoding });
      assert.ok(typeof body === "object" && body.parts.join("") === json.toString(), encoding);
    }
  }
  for (const [encoding, bytes] of [
    ["gzip, aws-chunked", gzipSync(json)],
    ["utf-8, gzip", gzipSync(json)],
    ["identity,GZIP", gzipSync(json)],
    ["gzip, gzip", gzipSync(gzipSync(json))],
    ["gzip, br", brotliCompressSync(gzipSync(json))],
    ["deflate", deflateRawSync(json)],
    ["gzip", json],
    ["deflate", Buffer.from(" [1]")],
    ["zstd", json],
    ["gzip", Buffer.from("<html>")],
  ] as const) {
    const body = await read(bytes, { encoding }, 3);
    assert.ok(typeof body === "object", encoding);
    assert.ok(/^(\{"data|\s\[1\]|<html>)/.test(body.parts.join("")), encoding);
  }
});

test("what compresses better than any feed is a bomb, whatever its size", async () => {
  const spaces = Buffer.alloc(4 * 1024 * 1024, " ");
  const caps = { mostBytes: 1e9, mostCompressedBytes: 1e9 };
  for (const [encoding, bytes] of [
    ["gzip", gzipSync(spaces)],
    ["br", brotliCompressSync(spaces)],
    ["gzip, gzip", gzipSync(gzipSync(spaces))],
  ] as const)
    assert.equal(await read(bytes, { ...caps, encoding }), "too_large");
  const stations = JSON.stringify(
    Array.from({ length: 20_000 }, (_, n) => ({
      station_id: n,
      num_bikes_available: n % 40,
      is_renting: true,
      num_docks_available: n % 7,
      is_installed: true,
    })),
  );
  assert.equal(typeof (await read(gzipSync(stations), { ...caps, encoding: "gzip" })), "object");
});

test("JSON is weighed while it comes: what would take much to parse is not parsed", async () => {
  const weigh = (text: string) => read(Buffer.from(text), { mostBytes: 1e9, mostWeight: 2_000_000 }, 65_536);
  const keys = (order: (n: number) => number): string =>
    Array.from(
      { length: 2_000 },
      (_, n) => `{${Array.from({ length: 20 }, (_, k) => `"k${order(n * 20 + k)}":1`).join()}}`,
    ).join();
  for (const [what, text] of [
    ["empty objects", `[${"{},".repeat(100_000)}{}]`],
    ["empty lists", `[${"[],".repeat(100_000)}[]]`],
    ["numbers", `[${"1,".repeat(200_000)}1]`],
    ["depth", "[".repeat(65)],
    ["records", `{"data":{"stations":[${"{},".repeat(300_000)}{}]}}`],
    ["names that are all different", `[${keys((n) => n)}]`],
    ["names in ever another order", `[${keys((n) => (n * 7919) % 1013)}]`],
    ["a long text", `["${"x".repeat(1_100_000)}`],
    ["a long name", `{"${"x".repeat(1_100_000)}`],
  ] as const)
    assert.equal(await weigh(text), "too_large", what);
  for (const text of [
    "[".repeat(64),
    `[${keys((n) => n % 20)}]`.slice(0, 100_000),
    '"\\"[[[[[[[[[[[[[[[[[[[["',
    TEXT,
  ])
    assert.equal(typeof (await weigh(text)), "object");
});

test("a body waits while all feeds together hold too much, and the oldest never does", async () => {
  const budget = new MemoryBudget(600_000);
  const text = Buffer.alloc(500_000, "x");
  const share = () => ({ mostBytes: 1e9, share: budget.share() });
  const first = await read(text, share(), 65_536);
  assert.ok(typeof first === "object");
  let done = false;
  const second = read(text, share(), 65_536).then((body) => {
    done = true;
    return body;
  });
  const third = read(Buffer.from("{}"), share());
  assert.equal(typeof (await third), "object", "small ones never wait");
  for (let turns = 0; turns < 50; turns += 1) await setImmediate();
  assert.equal(done, false);
  first.share.release();
  assert.equal(typeof (await second), "object");
  const stopped = read(text, { ...share(), signal: AbortSignal.abort(new Error("stopped")) }, 65_536);
  await assert.rejects(stopped, /stopped/);
});

test("what is given back of a share lets others in, and a share can be used again", async () => {
  const budget = new MemoryBudget(100);
  const [first, second] = [budget.share(), budget.share()];
  assert.equal(first.take(100), null);
  const waits = second.take(60);
  assert.ok(waits !== null);
  first.give(60);
  await waits;
  first.release();
  second.release();
  assert.equal(first.take(100), null);
  assert.ok(second.take(1) !== null, "what was released counts anew");
});

test("blanks without end are refused, indentation is not", async () => {
  const options = { mostWeight: 1e9 };
  assert.equal(await read(Buffer.from(`{"a":${" \n".repeat(40_000)}1}`), options), "too_large");
  const indented = Buffer.from(
    JSON.stringify({ a: Array.from({ length: 9_000 }, () => ({ b: 1 })) }, null, 10),
  );
  assert.equal(typeof (await read(indented, options)), "object");
});

test("a zstd window larger than RFC 9659 allows is not opened", async () => {
  const params = { [constants.ZSTD_c_windowLog]: 27, [constants.ZSTD_c_contentSizeFlag]: 0 };
  const folded = zstdCompressSync(randomFillSync(Buffer.alloc(12 * 1024 * 1024)), { params });
  await assert.rejects(read(folded, { encoding: "zstd", mostBytes: 1e9, mostCompressedBytes: 1e9 }), {
    code: /windowTooLarge/,
  });
});

test("drops a byte order mark, replaces what is not UTF-8", async () => {
  const body = await read(Buffer.from([0xef, 0xbb, 0xbf, 0x61, 0xff, 0x62, 0xe2, 0x82]), {}, 1);
  assert.equal(typeof body === "object" && body.parts.join(""), "a\ufffdb\ufffd");
});

test("refuses what is larger than a cap, and takes what just fits", async () => {
  const bytes = Buffer.from(randomFillSync(Buffer.alloc(225_000)).toString("base64"));
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
  assert.equal(await read(gzipped, { encoding: "gzip,gzip,gzip,gzip" }), "bad_encoding");
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
