/** What a reader makes of a record before it looks into it: unreadable, too large, ahead of the clock, a tombstone. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isAhead, MOST_VALUE_BYTES, receiveRaw, unusableReason } from "../../src/record/received-record.ts";

const NOW_MS = 1_700_000_000_000;
const SKEW_MS = 5 * 60_000;
const noReference = (): null => null;

function valueOf(fields: object): Buffer {
  return Buffer.from(
    JSON.stringify({
      system_id: "town",
      station_id: "1",
      postcode: "north",
      slot: 0,
      nbr_total: 3,
      nbr_elec: null,
      nbr_meca: null,
      nbr_docks: null,
      observed_at: NOW_MS,
      ...fields,
    }),
  );
}

function reasonOf(record: Partial<Parameters<typeof receiveRaw>[0]>): string | null {
  const whole = { key: "town:1", value: valueOf({}), timestampMs: NOW_MS, ...record };
  const decoding = receiveRaw(whole, NOW_MS, noReference);
  if (decoding === "tombstone") return "tombstone";
  return decoding.ok ? null : decoding.reject.reason;
}

test("an observation is taken up to five minutes ahead of its record, and a record as far ahead of the clock", () => {
  assert.equal(reasonOf({ value: valueOf({ observed_at: NOW_MS + SKEW_MS }) }), null);
  assert.equal(reasonOf({ value: valueOf({ observed_at: NOW_MS + SKEW_MS + 1 }) }), "from_the_future");
  assert.equal(reasonOf({ timestampMs: NOW_MS + SKEW_MS }), null);
  assert.equal(reasonOf({ timestampMs: NOW_MS + SKEW_MS + 1 }), "from_the_future");
  assert.ok(!isAhead(NOW_MS + SKEW_MS, NOW_MS));
  assert.ok(isAhead(NOW_MS + SKEW_MS + 1, NOW_MS));
});

test("no text is made of a value over a mebibyte", () => {
  const value = (length: number) => ({
    length,
    toString: (): string => assert.fail("text of a value that is too large"),
  });
  assert.equal(reasonOf({ value: value(MOST_VALUE_BYTES + 1) }), "too_large");
  assert.equal(unusableReason({ key: null, value: value(MOST_VALUE_BYTES), timestampMs: 0 }), null);
});

test("a record without a value is a tombstone, whatever its time; one that was not read is not", () => {
  assert.equal(reasonOf({ value: null }), "tombstone");
  assert.equal(reasonOf({ value: null, timestampMs: NOW_MS + 10 * SKEW_MS }), "tombstone");
  assert.equal(reasonOf({ value: null, unreadable: "damaged_batch" }), "damaged_batch");
});

test("what cannot be decoded is a reject that says why", () => {
  assert.equal(reasonOf({ value: Buffer.from("{") }), "not_json");
  assert.equal(reasonOf({ value: Buffer.from("[]") }), "not_an_object");
  assert.equal(reasonOf({ key: "town:2" }), "key_mismatch");
  const broken = { length: 1, toString: (): string => JSON.stringify({ postcode: 1n as unknown }) };
  assert.equal(reasonOf({ value: broken }), "unreadable");
});

test("an observation is of when it was fetched, whatever the feed's last_reported says", () => {
  const record = { key: "town:1", value: valueOf({ last_reported: 1 }), timestampMs: NOW_MS };
  const decoding = receiveRaw(record, NOW_MS, noReference);
  assert.ok(decoding !== "tombstone" && decoding.ok);
  assert.equal(decoding.record.observedAtMs, NOW_MS);
});
