/** Attacks what stands in topics: record batches, whole and damaged, in every compression, and the records in them. */
import assert from "node:assert/strict";
import { crc32, gzipSync, zstdCompressSync } from "node:zlib";
import { decodeRawRecord } from "../../../src/record/raw-record.ts";
import { decodeThrough, decodeTotals } from "../../../src/record/totals-record.ts";
import { readBatches } from "../../../src/log/kafka/record-batch.ts";
import type { LogRecord } from "../../../src/ports.ts";
import { writeBatch } from "../record-batches.ts";
import { bentBytes, below, oddText, pick, type FuzzTarget, type Random } from "./target.ts";

const LENGTH_AT = 8;
const MOST_READ_BYTES = 64 * 1024 * 1024;

export const kafkaTarget: FuzzTarget = {
  name: "kafka",
  open: () => Promise.resolve({ once, close: () => Promise.resolve() }),
};

function once(random: Random): void {
  const batches = Array.from({ length: 1 + below(random, 3) }, (_, n) => batch(random, n * 100));
  const bytes = Buffer.concat(batches.map((one) => (random() < 0.6 ? bentInside(one, random) : one)));
  const answer = random() < 0.2 ? bentBytes(bytes, random) : bytes;
  const records: LogRecord[] = [];
  let heldBytes = 0;
  for (const one of readBatches(answer, false))
    heldBytes += one.readInto(records, "t", 0, below(random, 150));
  assert.ok(heldBytes <= MOST_READ_BYTES, `${heldBytes} bytes of memory for ${answer.length}`);
  for (const { key, value, headers, timestampMs } of records) {
    assert.ok(key === null || typeof key === "string");
    const text = value?.toString("utf8") ?? null;
    if (text === null) continue;
    decodeRawRecord(key ?? "", text, timestampMs, () => null);
    decodeTotals(text);
    decodeThrough(headers["through"]);
  }
}

function batch(random: Random, firstOffset: number): Buffer {
  const records = Array.from({ length: 1 + below(random, 8) }, () => ({
    key: random() < 0.1 ? null : Buffer.from(`velib:${oddText(random)}`),
    value: random() < 0.1 ? null : bentBytes(value(random), random),
    headers: new Map([
      [Buffer.from(pick(random, ["schema", "through", "__proto__"])), Buffer.from(oddText(random))],
    ]),
    timestampMs: 1_760_000_000_000 + below(random, 10_000),
  }));
  const plain = writeBatch({
    firstOffset,
    records,
    compression: pick(random, ["none", "gzip", "zstd"] as const),
  });
  return random() < 0.05 ? bomb(plain, random) : plain;
}

function value(random: Random): Buffer {
  const record = {
    system_id: "velib",
    station_id: oddText(random),
    postcode: "75016",
    slot: below(random, 9),
    nbr_total: pick(random, [3, -1, 2.5, 1e308, null]),
    nbr_elec: 1,
    nbr_meca: 2,
    observed_at: pick(random, [1_760_000_000_000, -1, 1e300, "x"]),
    as_of: 1_760_000_000_000,
    stations: 1,
    docks: null,
  };
  return Buffer.from(JSON.stringify(record));
}

/** Much that is nothing, in few bytes: 61 bytes of header as they were, then megabytes of blanks. */
function bomb(plain: Buffer, random: Random): Buffer {
  const blanks = Buffer.alloc((1 + below(random, 40)) * 1024 * 1024, pick(random, [0, 0x20, 0xff]));
  const gzip = random() < 0.5;
  const bytes = Buffer.concat([
    plain.subarray(0, 61),
    gzip ? gzipSync(blanks, { level: 1 }) : zstdCompressSync(blanks),
  ]);
  bytes.writeInt32BE(bytes.length - 12, LENGTH_AT);
  bytes.writeInt16BE(gzip ? 1 : 4, 21);
  return checked(bytes);
}

/** Damage behind the header that the length allows for: what a broker accepts. */
function bentInside(bytes: Buffer, random: Random): Buffer {
  const inside = bentBytes(bytes.subarray(21), random);
  const bent = Buffer.concat([bytes.subarray(0, 21), inside]);
  if (bent.length < 61) return bent;
  bent.writeInt32BE(bent.length - 12, LENGTH_AT);
  return checked(bent);
}

function checked(bytes: Buffer): Buffer {
  bytes.writeUInt32BE(crc32(bytes.subarray(21)), 17);
  return bytes;
}
