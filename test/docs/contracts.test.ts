/** The examples of docs/contracts.md are what the code writes, byte for byte, and reads back. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeFeedState, encodeFeedState } from "../../src/domain/feed-record.ts";
import { decodeStation } from "../../src/domain/gbfs/station-status.ts";
import { decodeRawRecord, encodeRawRecord, encodeRetiredRecord } from "../../src/record/raw-record.ts";
import { encodeReject } from "../../src/record/reject-record.ts";
import { decodeTotals, encodeTotals } from "../../src/record/totals-record.ts";

const page = readFileSync("docs/contracts.md", "utf8");

function example(name: string): string {
  const text = new RegExp(`\`\`\`json ${name}\\n(.*)\\n\`\`\``).exec(page)?.[1];
  assert.ok(text !== undefined, `docs/contracts.md has an example "${name}"`);
  return text;
}

const OBSERVED_AT_MS = 1_760_778_679_000;

/** Of the examples on the page. */
const OBSERVED_LATEST_MS = 1_760_779_000_000;

test("a raw record", () => {
  const station = decodeStation(
    {
      stationCode: "16107",
      station_id: 213688169,
      num_bikes_available: 5,
      numBikesAvailable: 5,
      num_bikes_available_types: [{ mechanical: 4 }, { ebike: 1 }],
      num_docks_available: 29,
      numDocksAvailable: 29,
      is_installed: 1,
      is_returning: 1,
      is_renting: 1,
      last_reported: 1760778000,
    },
    new Map(),
  );
  assert.ok(!("reason" in station));
  const written = encodeRawRecord({
    systemId: "velib",
    station,
    information: {
      stationId: "213688169",
      stationCode: "16107",
      name: "Benjamin Godard - Victor Hugo",
      lat: 48.865983,
      lon: 2.275725,
      capacity: 35,
      postCode: null,
      regionId: null,
    },
    area: "75016",
    areaRule: "station_code",
    slot: 0,
    observedAtMs: OBSERVED_AT_MS,
    simulated: false,
  });
  assert.equal(written, example("raw"));
  const read = decodeRawRecord("velib:213688169", written, OBSERVED_LATEST_MS, () => null);
  assert.ok(read.ok);
  assert.deepEqual(
    [read.record.area, read.record.total, read.record.electric, read.record.mechanical, read.record.slot],
    ["75016", 5, 1, 4, 0],
  );
});

test("a station's last word", () => {
  const written = encodeRetiredRecord({
    systemId: "velib",
    stationId: "213688169",
    numericId: true,
    area: "75016",
    slot: 0,
    observedAtMs: 1_760_779_000_000,
    simulated: false,
  });
  assert.equal(written, example("retired"));
  const read = decodeRawRecord("velib:213688169", written, OBSERVED_LATEST_MS, () => null);
  assert.ok(read.ok && read.record.retired);
});

test("a station's id stands in the value as the feed serves it, and is read either way", () => {
  for (const served of [7, -7, 0, 213688169, 2 ** 53 - 1, "007", "7", "1e3", "b-12"]) {
    const station = decodeStation({ station_id: served, num_bikes_available: 1 }, new Map());
    assert.ok(!("reason" in station));
    const written = encodeRawRecord({
      systemId: "s",
      station,
      information: undefined,
      area: "a",
      areaRule: "system",
      slot: 0,
      observedAtMs: OBSERVED_AT_MS,
      simulated: false,
    });
    assert.strictEqual((JSON.parse(written) as { station_id: unknown }).station_id, served);
    const read = decodeRawRecord(`s:${served}`, written, OBSERVED_LATEST_MS, () => null);
    assert.ok(read.ok, written);
    assert.equal(read.record.stationId, String(served));
  }
});

test("a totals record, the reference's four fields first", () => {
  const totals = decodeTotals(example("totals"));
  assert.ok(totals !== null);
  assert.equal(encodeTotals(totals), example("totals"));
  assert.deepEqual(Object.keys(JSON.parse(example("totals")) as object).slice(0, 4), [
    "postcode",
    "nbr_total",
    "nbr_elec",
    "nbr_meca",
  ]);
});

test("the state of a feed, the contract's seven fields first", () => {
  const state = decodeFeedState(example("feed"));
  assert.ok(state !== null);
  assert.equal(encodeFeedState(state), example("feed"));
  assert.deepEqual(Object.keys(JSON.parse(example("feed")) as object).slice(0, 7), [
    "system_id",
    "state",
    "reason",
    "flags",
    "checked_at",
    "content_at",
    "area_rule",
  ]);
});

test("a reject", () => {
  const record = { station_id: 213688169, num_bikes_available: -1 };
  const reject = decodeStation(record, new Map());
  assert.ok("reason" in reject);
  const path = `data.stations[12].${reject.field}`;
  assert.equal(
    encodeReject(
      "velib",
      { reason: reject.reason, path, stationId: reject.stationId, record },
      OBSERVED_AT_MS,
    ),
    example("reject"),
  );
});
