/** What the aggregate makes of records that are not our collector's. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { referenceReader } from "../../src/velib/reference-record.ts";
import { partitionOf } from "../../src/record/partitioning.ts";
import { aggregateProcessor } from "../../src/stages/aggregate/totals-processor.ts";
import type { LogRecord, ProduceRecord } from "../../src/ports.ts";
import { record } from "../support/raw-records.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

/** As the reference pipeline's producer writes it, without key. */
function referenceRecord(bikes: number, offset: number, partition = 0): LogRecord {
  return record(
    null,
    JSON.stringify({
      stationCode: "16107",
      station_id: 213688169,
      num_bikes_available: bikes,
      numBikesAvailable: bikes,
      num_bikes_available_types: [{ mechanical: bikes - 1 }, { ebike: 1 }],
      num_docks_available: 34,
      numDocksAvailable: 34,
      is_installed: 1,
      is_returning: 1,
      is_renting: 1,
      last_reported: 1707263449,
    }),
    offset,
    partition,
  );
}

async function process(
  records: readonly LogRecord[],
  partitionCount = 1,
  ...later: readonly (readonly LogRecord[])[]
): Promise<readonly ProduceRecord[]> {
  const processor = aggregateProcessor({
    writer: { engine: "node", group: "test", sinceMs: 0 },
    topics: TOPICS,
    readReference: referenceReader((code) => (code === "16107" ? "75016" : null)),
    partitionCount,
    publishedAreas: () => Promise.resolve(new Map()),
    clock: { now: () => 0 },
    logger: silentLogger,
    metrics: countingMetrics(),
  });
  const partition = records[0]?.partition ?? 0;
  await processor.restore(partition, none(), { committedOffset: 0, endOffset: 0 });
  return [records, ...later].flatMap((batch) => processor.process(partition, batch) ?? []);
}

async function* none(): AsyncGenerator<readonly LogRecord[]> {
  await Promise.resolve();
  yield* [];
}

test("understands the reference producer's records, and counts a station once however often it is sent", async () => {
  const outputs = await process([referenceRecord(5, 0), referenceRecord(5, 1), referenceRecord(7, 2)]);
  assert.equal(outputs.length, 1);
  assert.match(String(outputs[0]?.value), /^\{"postcode":"75016","nbr_total":7,"nbr_elec":1,"nbr_meca":6,/);
});

test("sums a keyless record only in its area's own partition, else its station would count in several", async () => {
  const home = partitionOf("velib:75016", 4);
  const outputs = await process([referenceRecord(5, 0, (home + 1) % 4)], 4);
  assert.deepEqual(
    outputs.map(({ topic }) => topic),
    ["rejects"],
  );
  assert.match(String(outputs[0]?.value), /"reason":"wrong_partition"/);
});

test("the same of the reference's records under keys of their producer's choosing", async () => {
  const home = partitionOf("velib:75016", 4);
  const keyed = (partition: number): LogRecord => ({ ...referenceRecord(5, 0, partition), key: "16107" });
  const elsewhere = await process([keyed((home + 1) % 4)], 4);
  assert.match(String(elsewhere[0]?.value), /"reason":"wrong_partition"/);
  const [total] = await process([keyed(home)], 4);
  assert.match(String(total?.value), /^\{"postcode":"75016","nbr_total":5,/);
});

for (const [what, value, reason] of [
  ["text that is no JSON", "added: 16107", "not_json"],
  ["JSON of another kind", "[1,2]", "not_an_object"],
  ["an object of another format", '{"hello":"world"}', "unknown_format"],
  [
    "a negative count",
    '{"system_id":"velib","station_id":"1","postcode":"75001","observed_at":1,"nbr_total":-4}',
    "invalid_field",
  ],
] as const) {
  test(`keeps ${what} as a reject and goes on`, async () => {
    const outputs = await process([record(null, value, 0), referenceRecord(5, 1)]);
    assert.deepEqual(
      outputs.map(({ topic }) => topic),
      ["totals", "rejects"],
    );
    assert.match(String(outputs[1]?.value), new RegExp(`"reason":"${reason}"`));
  });
}

for (const [what, observedAtMs, timestampMs] of [
  ["observed ahead of its own time", 600_000, 0],
  ["stamped ahead of the clock", 600_000, 600_000],
] as const)
  test(`a record that is ${what} is a reject, and the next one counts`, async () => {
    const ours = (bikes: number, atMs: number, stampMs: number, offset: number): LogRecord => ({
      ...record("velib:1", station(bikes, atMs), offset),
      timestampMs: stampMs,
    });
    const outputs = await process([ours(99, observedAtMs, timestampMs, 0), ours(5, 1, 1, 1)]);
    assert.deepEqual(
      outputs.map(({ topic, value }) => [topic, /"nbr_total":5,|from_the_future/.exec(String(value))?.[0]]),
      [
        ["totals", '"nbr_total":5,'],
        ["rejects", "from_the_future"],
      ],
    );
  });

const HOUR = 3_600_000;
const station = (bikes: number, observedAtMs: number, more: object = {}): string =>
  JSON.stringify({
    system_id: "velib",
    station_id: "1",
    postcode: "75001",
    observed_at: observedAtMs,
    nbr_total: bikes,
    ...more,
  });
/** A record of station 1, written at `timestampMs`. */
const written = (value: string, timestampMs: number, offset: number): LogRecord => {
  return { ...record("velib:1", value, offset), timestampMs };
};
/** Totals as `bikes`, rejects as their reason. */
const told = (outputs: readonly ProduceRecord[]): unknown[] =>
  outputs.map(({ value }) => {
    const { nbr_total: bikes, reason } = JSON.parse(String(value)) as Record<string, unknown>;
    return reason ?? bikes;
  });

for (const [what, aheadMs] of [
  ["two hours", 2 * HOUR],
  ["half an hour", HOUR / 2],
  ["fifty years (microseconds for milliseconds)", 50 * 365 * 24 * HOUR],
] as const)
  test(`an observation ${what} ahead of its record is a reject and supersedes nothing`, async () => {
    const outputs = await process(
      [
        written(station(5, 1_000), 1_000, 0),
        written(station(99, 2_000 + aheadMs), 2_000, 1),
        // With a blank, so that the slow reader sees it.
        written(` ${station(98, 2_000 + aheadMs)}`, 2_000, 2),
      ],
      1,
      [written(station(7, 3_000), 3_000, 3)],
    );
    assert.deepEqual(told(outputs), [5, "from_the_future", "from_the_future", 7]);
    for (const { topic, timestampMs } of outputs)
      if (topic === "rejects") assert.ok((timestampMs ?? 0) <= 2_000, "brokers refuse times from the future");
  });

test("a record that is stamped ahead of the clock is a reject, whatever it says of itself", async () => {
  // The clock of these tests stands at 0.
  const outputs = await process([
    written(station(99, HOUR), HOUR, 0),
    written(station(5, 1_000), 1_000, 1),
    { ...referenceRecord(9, 2), timestampMs: HOUR },
  ]);
  assert.deepEqual(told(outputs), [5, "from_the_future", "from_the_future"]);
});

test("clocks may differ by five minutes, and not by more", async () => {
  const most = 5 * 60_000;
  const outputs = await process([written(station(5, 1_000 + most), 1_000, 0)], 1, [
    written(station(6, 2_001 + most), 2_000, 1),
  ]);
  assert.deepEqual(told(outputs), [5, "from_the_future"]);
});

test("values over 1 MiB, nested deeper than the stack reaches, or not read by the log are rejects", async () => {
  const deep = "[".repeat(400_000) + "]".repeat(400_000);
  const unreadable: LogRecord = { ...record(null, null, 3), unreadable: "batch_too_large" };
  const outputs = await process([
    written(station(5, 1_000, { note: "x".repeat(1_100_000) }), 1_000, 0),
    written(deep, 1_000, 1),
    written(station(5, 1_000).replace("}", `,"note":${deep}}`), 1_000, 2),
    unreadable,
    written(station(5, 1_000), 1_000, 4),
  ]);
  assert.deepEqual(told(outputs), [5, "too_large", "too_deep", "too_deep", "batch_too_large"]);
  assert.match(String(outputs[4]?.value), /"path":"raw:0:3 /);
});

function observation(
  station: number,
  area: string,
  offset: number,
  more: object,
  headers: object = {},
): LogRecord {
  const value = {
    system_id: "velib",
    station_id: String(station),
    postcode: area,
    observed_at: 1_000 + offset,
    ...more,
  };
  return { ...record(`velib:${station}`, JSON.stringify(value), offset), headers: { ...headers } };
}

test("an area's tombstone has the time of the record that emptied it, whatever else was in the batch", async () => {
  const outputs = await process(
    [observation(1, "75001", 0, { nbr_total: 3 }), observation(2, "75002", 1, { nbr_total: 4 })],
    1,
    [
      observation(1, "75001", 2, { nbr_total: 0, retired: true }),
      record("velib:1", null, 3),
      observation(2, "75002", 4, { nbr_total: 5 }),
    ],
  );
  assert.deepEqual(
    outputs.map(({ key, value, timestampMs }) => [key, value === null, timestampMs]),
    [
      ["75001", false, 1_000],
      ["75002", false, 1_001],
      ["75002", false, 1_004],
      ["75001", true, 1_002],
    ],
  );
});

test("records that are played back say themselves which totals follow them, changed or not", async () => {
  const outputs = await process(
    [
      observation(1, "75001", 0, { nbr_total: 3 }, { totals: "[]" }),
      observation(2, "75001", 1, { nbr_total: 4 }, { totals: '["75001"]' }),
      observation(2, "75001", 1, { nbr_total: 4 }, { totals: '["75001"]' }),
    ],
    1,
    [observation(3, "75002", 2, { nbr_total: 5 }, { totals: "[]" })],
  );
  assert.deepEqual(
    outputs.map(({ key, value }) => [key, /"nbr_total":\d+/.exec(String(value))?.[0]]),
    [
      ["75001", '"nbr_total":7'],
      ["75001", '"nbr_total":7'],
    ],
  );
});

test("what a restore alone tells is put out at once: areas that a topic made again has not any more", async () => {
  const published = new Map([
    ["75001", { systemId: "velib", area: "75001" }],
    ["75002", { systemId: "velib", area: "75002" }],
  ]);
  const told = async (renewed: boolean, history: readonly LogRecord[]): Promise<readonly string[]> => {
    const processor = aggregateProcessor({
      writer: { engine: "node", group: "test", sinceMs: 0 },
      topics: TOPICS,
      readReference: () => null,
      partitionCount: 1,
      publishedAreas: () => Promise.resolve(published),
      clock: { now: () => 1_000 },
      logger: silentLogger,
      metrics: countingMetrics(),
    });
    async function* batches(): AsyncGenerator<readonly LogRecord[]> {
      await Promise.resolve();
      if (history.length > 0) yield history;
    }
    const offset = history.length;
    const range = { committedOffset: offset, endOffset: offset, topicId: "new", partitionCount: 1, renewed };
    await processor.restore(0, batches(), range);
    const outputs = processor.caughtUp?.(0) ?? [];
    assert.deepEqual(processor.caughtUp?.(0), [], "once");
    return outputs.map(
      ({ key, value, headers }) => `${key} ${value === null ? "gone" : "there"} ${headers?.["through"]}`,
    );
  };
  const station = record(
    "velib:1",
    JSON.stringify({
      system_id: "velib",
      station_id: "1",
      postcode: "75001",
      slot: 0,
      nbr_total: 3,
      observed_at: 1_000,
    }),
    0,
  );
  assert.deepEqual(await told(true, []), ["75001 gone 0:-1:new", "75002 gone 0:-1:new"]);
  assert.deepEqual(await told(true, [station]), ["75001 there 0:0:new", "75002 gone 0:0:new"]);
  assert.deepEqual(await told(false, [station]), [], "the topics are what they were");
});

test("of a backlog nothing is put out before its end: in the middle a total lacks stations", async () => {
  const station = (id: string, offset: number): LogRecord => {
    const value = {
      system_id: "velib",
      station_id: id,
      postcode: "75001",
      slot: 0,
      nbr_total: 2,
      observed_at: 1_000,
    };
    return record(`velib:${id}`, JSON.stringify(value), offset);
  };
  const processor = aggregateProcessor({
    writer: { engine: "node", group: "test", sinceMs: 0 },
    topics: TOPICS,
    readReference: () => null,
    partitionCount: 1,
    publishedAreas: () => Promise.resolve(new Map()),
    clock: { now: () => 1_000 },
    logger: silentLogger,
    metrics: countingMetrics(),
  });
  await processor.restore(0, none(), { committedOffset: 0, endOffset: 3 });
  assert.equal(processor.process(0, [station("1", 0)]), null);
  assert.equal(processor.process(0, [station("2", 1)]), null);
  const outputs = processor.process(0, [station("3", 2)]) ?? [];
  assert.deepEqual(
    outputs.map(({ value }) => /"nbr_total":\d+/.exec(String(value))?.[0]),
    ['"nbr_total":6'],
  );
  assert.equal(processor.process(0, [station("4", 3)])?.length, 1, "then batch by batch");
});
