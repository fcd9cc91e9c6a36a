/** The fast reader of raw records says exactly what the slow one says, or says nothing: on any bytes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { countedOf } from "../../src/record/counts.ts";
import { RawRecordScan } from "../../src/record/raw-record-scan.ts";
import { decodeRawRecord, encodeRawRecord, encodeRetiredRecord } from "../../src/record/raw-record.ts";
import { decodeStation } from "../../src/domain/gbfs/station-status.ts";

const RUNS = { numRuns: 4_000 };

const SHARED = new RawRecordScan();
/** What may stand before and behind a value in its block. */
const NEIGHBOURS = ["", '{"postcode":"x","nbr_total":7}', '","retired":true}', "}}", ",", "]}", "0}", '"'];

/** Compares the two on one record; returns whether the fast one took it. */
function agree(key: string | null, bytes: Uint8Array): boolean {
  // It remembers the layout of the record before: here that of any other.
  const scan = SHARED;
  // As it stands in a block: what is around a value must not count.
  const around = NEIGHBOURS[bytes.length % NEIGHBOURS.length] ?? "";
  const block = Buffer.concat([Buffer.from(around), bytes, Buffer.from(around)]);
  const taken = scan.read(key, block, around.length, around.length + bytes.length);
  const alone = new RawRecordScan();
  assert.equal(alone.read(key, bytes), taken, "neighbours change what is said of a value");
  if (!taken) return false;
  assert.deepEqual(alone.observation, scan.observation);
  const decoding = decodeRawRecord(key, Buffer.from(bytes).toString("utf8"), Infinity, () => null);
  assert.ok(decoding.ok, "the fast reader took what the slow one rejects");
  const { systemId, area, observedAtMs, retired, simulated } = decoding.record;
  assert.deepEqual(scan.observation, {
    systemId,
    area,
    ...countedOf(decoding.record),
    observedAtMs,
    retired,
    simulated,
  });
  return true;
}

const OURS = [
  "system_id",
  "station_id",
  "postcode",
  "slot",
  "nbr_total",
  "nbr_elec",
  "nbr_meca",
  "nbr_docks",
  "observed_at",
  "retired",
  "simulated",
];
const name = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...OURS) },
  fc.constantFrom("name", "is_renting", "nbr_total ", "Nbr_total", "__proto__", "", "postcode\\u0000", "é"),
  fc.string({ maxLength: 11 }),
);
/** Text of a value: JSON mostly, in any spelling, and what only looks like it. */
const valueText = fc.oneof(
  fc.nat({ max: 60 }).map(String),
  fc.constantFrom('"velib"', '"42"', '"75016"', '"Île-de-France"', '"a\\"b"', '""', '"v\\u0065lib"'),
  fc.constantFrom("null", "true", "false", "[]", "{}", '[{"mechanical":3},{"ebike":1}]', '{"retired":true}'),
  fc.constantFrom("-1", "-0", "1e3", "1.0", "1.5", "01", "007", "9007199254740993", "123456789012345678901"),
  fc.constantFrom(
    "tru",
    "nul",
    "+1",
    ".5",
    "1.",
    "1e",
    "NaN",
    "'a'",
    "[1,]",
    '{"a":1,}',
    "[",
    '"',
    " 1 ",
    "1 ",
  ),
  fc.jsonValue({ maxDepth: 4 }).map((value) => JSON.stringify(value)),
);
const member = fc
  .tuple(name, valueText)
  .map(([key, value]) => `${/[\\"]/.test(key) ? JSON.stringify(key) : `"${key}"`}:${value}`);
/** What makes a whole record, so that most candidates are nearly good. */
const good = fc
  .tuple(
    fc.nat({ max: 60 }),
    fc.option(fc.nat({ max: 60 })),
    fc.constantFrom("75016", "Sant Andreu – nº 2", "東京"),
    fc.boolean(),
    fc.constantFrom('"42"', "42", "42", "42.0", "4.2e1", "042", "43"),
  )
  .map(([total, electric, area, retired, stationId]) => [
    '"system_id":"velib"',
    `"station_id":${stationId}`,
    `"postcode":${JSON.stringify(area)}`,
    `"nbr_total":${total}`,
    `"nbr_elec":${String(electric)}`,
    `"observed_at":1760000000000`,
    ...(retired ? ['"retired":true'] : []),
  ]);
const key = fc.oneof(
  { weight: 8, arbitrary: fc.constant("velib:42") },
  fc.constantFrom(null, "velib:4", "velib42", ":", "velib:42 ", "vélib:42", "oslo:42"),
);
const hostile = fc
  .tuple(good, fc.array(member, { maxLength: 6 }), fc.constantFrom(",", ",", ",", ", ", ",,"))
  .chain(([fields, others, comma]) =>
    fc
      .shuffledSubarray([...fields, ...others], { minLength: fields.length })
      .map((members) => `{${members.join(comma)}}`),
  );

test("on records of shuffled, repeated, odd and broken fields the fast reader agrees with the slow one", () => {
  let taken = 0;
  fc.assert(
    fc.property(key, hostile, (recordKey, text) => {
      if (agree(recordKey, Buffer.from(text))) taken += 1;
    }),
    RUNS,
  );
  // A comparison of nothing proves nothing.
  assert.ok(taken > RUNS.numRuns / 40, `only ${taken} records were taken`);
});

test("on records with bytes changed, cut, doubled and put in, the fast reader agrees with the slow one", () => {
  const edit = fc.record({
    kind: fc.constantFrom("set", "set", "cut", "double", "insert"),
    at: fc.nat({ max: 500 }),
    byte: fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\0-.eE \n tfn')), fc.nat({ max: 255 })),
  });
  fc.assert(
    fc.property(hostile, fc.array(edit, { minLength: 1, maxLength: 3 }), (text, edits) => {
      let bytes = Buffer.from(text);
      for (const { kind, at, byte } of edits) {
        const place = at % (bytes.length + 1);
        const [before, after] = [bytes.subarray(0, place), bytes.subarray(place)];
        if (kind === "set" && place < bytes.length) bytes[place] = byte;
        else if (kind === "cut") bytes = Buffer.concat([before, after.subarray(1)]);
        else if (kind === "double") bytes = Buffer.concat([before, after.subarray(0, 8), after]);
        else bytes = Buffer.concat([before, Buffer.of(byte), after]);
      }
      agree("velib:42", bytes);
    }),
    RUNS,
  );
});

test("every record that the collector writes of plain text goes the fast way", () => {
  const plain = fc.stringMatching(/^[A-Za-z0-9 éà–_-]{1,12}$/);
  const source = fc.record({
    station_id: fc.oneof(fc.nat(), fc.nat().map(String)),
    num_bikes_available: fc.nat({ max: 60 }),
    num_bikes_available_types: fc.constantFrom([{ mechanical: 1 }, { ebike: 2 }], { ebike: 1 }, null),
    num_docks_available: fc.nat({ max: 60 }),
    name: plain,
    lat: fc.double({ min: -90, max: 90, noNaN: true }),
    retired: fc.boolean(),
    "1": fc.constant(1),
  });
  fc.assert(
    fc.property(source, plain, fc.boolean(), fc.nat({ max: 99 }), (served, area, simulated, slot) => {
      const station = decodeStation(served, new Map());
      assert.ok(!("reason" in station));
      const input = { systemId: "velib", area, slot, observedAtMs: 1_760_000_000_000, simulated };
      const observation = encodeRawRecord({
        ...input,
        station,
        information: undefined,
        areaRule: "station_code",
      });
      const recordKey = `velib:${station.stationId}`;
      assert.ok(agree(recordKey, Buffer.from(observation)), observation);
      const numericId = typeof served.station_id === "number";
      const last = encodeRetiredRecord({ ...input, numericId, stationId: station.stationId });
      assert.ok(agree(recordKey, Buffer.from(last)), last);
    }),
    { numRuns: 500 },
  );
});

test("equal areas are one string, and areas of one hash slot stay apart", () => {
  const scan = new RawRecordScan();
  for (let round = 0; round < 2; round += 1)
    for (let area = 0; area < 20_000; area += 1) {
      const text = `{"system_id":"s","station_id":"1","postcode":"${area}","nbr_total":1,"observed_at":1}`;
      assert.ok(scan.read("s:1", Buffer.from(text)));
      assert.equal(scan.observation.area, String(area));
    }
});

test("a key that is not spelled as the codec spells it is left to the slow reader", () => {
  const scan = new RawRecordScan();
  const record = (systemId: string, stationId: string) =>
    Buffer.from(
      JSON.stringify({
        system_id: systemId,
        station_id: stationId,
        postcode: "a",
        nbr_total: 1,
        observed_at: 1,
      }),
    );
  assert.ok(scan.read("lyon:7", record("lyon", "7")));
  // Each stands under its plain key, as version 0.1.0 wrote it: read as their own they would be other stations.
  for (const [systemId, stationId] of [
    ["a:b", "c"],
    ["a", "b:c"],
    ["100%", "7"],
    ["lyon", "7%3A8"],
  ] as const)
    assert.ok(
      !scan.read(`${systemId}:${stationId}`, record(systemId, stationId)),
      `${systemId} ${stationId}`,
    );
});

test("names are compared whole, whatever their length", () => {
  const names = [
    "a",
    "ab",
    "abc",
    "abcd",
    "abce",
    "abcde",
    "xbcde",
    "abcdefgh",
    "abcdefgi",
    "abcdxfgh",
    "system_ie",
  ];
  const record = (name: string) =>
    Buffer.from(
      `{"${name}":9,"system_id":"s","station_id":"1","postcode":"a","nbr_total":1,"observed_at":1}`,
    );
  const scan = new RawRecordScan();
  for (const first of [...names, "nbr_elec", "nbr_meca"])
    for (const second of [...names, "nbr_elec", "nbr_meca"]) {
      assert.ok(scan.read("s:1", record(first)));
      assert.ok(scan.read("s:1", record(second)));
      const alone = new RawRecordScan();
      assert.ok(alone.read("s:1", record(second)));
      assert.deepEqual(scan.observation, alone.observation, `${second} after ${first}`);
    }
});
