/**
 * A new field of a station is one row, and a new sum one more: here both tables get a row more before anything is loaded,
 * and what a feed serves is followed from there through the program as it is.
 */
import assert from "node:assert/strict";
import { cp } from "node:fs/promises";
import { registerHooks } from "node:module";
import { before, test } from "node:test";
import type { LogRecord } from "../../../src/ports.ts";

const ROWS: Readonly<Record<string, string>> = {
  "station-fields.ts": `  { key: "num_docks_disabled", name: "docksDisabled", type: "count", from: "feed", partOf: "observation",
    summed: true, column: "docks_disabled", served: "num_docks_disabled", about: "docks out of order" },
`,
  "totals-fields.ts": `  { key: "docks_disabled", name: "docksDisabled", type: "count", sumOf: "docksDisabled",
    column: "docks_disabled", about: "docks out of order" },
`,
};

const hooks = registerHooks({
  load(url, context, next) {
    const loaded = next(url, context);
    const row = ROWS[url.slice(url.lastIndexOf("/") + 1)];
    if (row === undefined || loaded.source === null || loaded.source === undefined) return loaded;
    const source =
      typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString();
    const end = source.indexOf("] as const");
    return { ...loaded, source: source.slice(0, end) + row + source.slice(end) };
  },
});

const OBSERVED_AT_MS = Date.UTC(2026, 10, 25, 6);

async function load() {
  const [status, raw, scan, counts, totals, order, digest, area, view, present, schemas, rows, plan, play] =
    await Promise.all([
      import("../../../src/domain/gbfs/station-status.ts"),
      import("../../../src/record/raw-record.ts"),
      import("../../../src/record/raw-record-scan.ts"),
      import("../../../src/record/counts.ts"),
      import("../../../src/record/totals-record.ts"),
      import("../../../src/record/observation-order.ts"),
      import("../../../src/record/change-detection.ts"),
      import("../../../src/domain/area-totals.ts"),
      import("../../../src/domain/live-view.ts"),
      import("../../../src/http/present.ts"),
      import("../../../src/http/api-schemas.ts"),
      import("../../../src/history/files/rows.ts"),
      import("../../../src/stages/aggregate-spark/plan.ts"),
      import("../../../src/history/playback/raw-value.ts"),
    ]);
  const [archive, reader, query, clock] = await Promise.all([
    import("../../support/archive.ts"),
    import("../../../src/history/read/archive-reader.ts"),
    import("../../../src/history/sql/query.ts"),
    import("../../support/test-clock.ts"),
  ]);
  return {
    ...status,
    ...raw,
    ...scan,
    ...counts,
    ...totals,
    ...order,
    ...digest,
    ...area,
    ...view,
    ...present,
    ...rows,
    ...plan,
    ...archive,
    ...reader,
    ...query,
    ...clock,
    playedBack: play.rawValue,
    schemas,
  };
}

let program: Awaited<ReturnType<typeof load>>;
before(async () => {
  program = await load();
  hooks.deregister();
});

/** A record as the collector writes it of what a feed serves. */
function collected(stationId: string, disabled: unknown, at = 0): LogRecord {
  const station = program.decodeStation(
    { station_id: stationId, num_bikes_available: 3, num_docks_disabled: disabled },
    new Map(),
  );
  assert.ok(!("reason" in station));
  const value = program.encodeRawRecord({
    systemId: "lyon",
    station,
    information: undefined,
    area: "69003",
    areaRule: "region",
    slot: at,
    observedAtMs: OBSERVED_AT_MS,
    simulated: false,
  });
  return {
    topic: "raw",
    partition: 0,
    offset: at,
    key: `lyon:${stationId}`,
    value: Buffer.from(value),
    headers: {},
    timestampMs: OBSERVED_AT_MS,
  };
}

function decoded(record: LogRecord) {
  const decoding = program.decodeRawRecord(record.key, String(record.value), record.timestampMs, () => null);
  assert.ok(decoding.ok);
  return decoding.record;
}

function valueOf(record: object, name: string): unknown {
  return (record as Record<string, unknown>)[name];
}

/** The totals of three stations, of which one does not say. */
function summed(): { readonly raw: LogRecord[]; readonly totals: LogRecord } {
  const raw = [collected("a", 2, 0), collected("b", 5, 1), collected("c", "none", 2)];
  const totals = new program.AreaTotals();
  const scan = new program.RawRecordScan();
  for (const record of raw) {
    // The byte scan reads what is a count, and leaves the rest to the decoder.
    if (scan.read(record.key, record.value as Buffer)) totals.applyShare(record.key ?? "", scan.observation);
    else totals.apply(decoded(record), record.key);
  }
  const [change] = totals.drain();
  assert.ok(change !== undefined && change.totals !== null);
  const value = Buffer.from(program.encodeTotals(change.totals));
  const headers = { through: "0:2" };
  return {
    raw,
    totals: { ...collected("a", 0), topic: "totals", key: change.key, value, headers, offset: 0 },
  };
}

test("a raw record has it, whoever reads it, and a change of it is a change", () => {
  const record = collected("a", 2);
  assert.equal(valueOf(decoded(record), "docksDisabled"), 2);
  const scan = new program.RawRecordScan();
  assert.ok(scan.read(record.key, record.value as Buffer));
  assert.deepEqual(scan.observation.counts, program.countedOf(decoded(record)).counts);
  assert.equal(scan.observation.counts.length, 5);
  const [two, three] = [collected("a", 2), collected("a", 3)].map((one) =>
    program.recordDigest(decoded(one).value),
  );
  assert.notEqual(two, three);
  assert.ok(program.supersedesObservation(decoded(collected("a", 3)), decoded(collected("a", 2)), "69003"));
  assert.ok(
    !program.supersedesObservation(decoded(collected("a", "?")), decoded(collected("a", 0)), "69003"),
  );
  assert.match(
    program.encodeRetiredRecord({
      systemId: "lyon",
      stationId: "a",
      numericId: false,
      area: "69003",
      slot: 0,
      observedAtMs: OBSERVED_AT_MS,
      simulated: false,
    }),
    /"num_docks_disabled":0/,
  );
});

test("the totals have its sum over the stations that say it", () => {
  const { totals } = summed();
  assert.equal(valueOf(JSON.parse(String(totals.value)) as object, "docks_disabled"), 7);
  const read = program.decodeTotals(String(totals.value));
  assert.equal(read === null ? null : valueOf(read, "docksDisabled"), 7);
});

test("the event stream has it, of the station and of its area, and the API's schema knows it", () => {
  const view = new program.LiveView();
  const { raw, totals } = summed();
  for (const record of raw) view.applyRaw(record);
  view.applyTotals(totals);
  const delta = view.commit();
  assert.ok(delta !== null);
  const event = program.presentDelta(delta, { systemId: null, areas: true, stations: true });
  assert.ok(event !== null);
  assert.deepEqual(
    event.stations.map((station) => valueOf(station, "num_docks_disabled")),
    [2, 5, null],
  );
  assert.equal(valueOf(event.areas[0] ?? {}, "docks_disabled"), 7);
  assert.deepEqual(program.schemas.DeltaEvent.parse(event), event, "and nothing but what the schema knows");
  view.applyRaw(collected("b", 6, 3));
  const next = view.commit();
  assert.equal(next?.stations.length, 1, "where nothing else changes, the change is told");
});

test("Parquet and SQL have it, files of before do not and are read, and a replay plays it back", async (context) => {
  const folder = await program.temporaryFolder(context);
  await cp("test/fixtures/archive-format-1", folder, { recursive: true });
  const clock = new program.TestClock(OBSERVED_AT_MS + 20 * 3_600_000);
  const writer = await program.openWriter(folder, clock);
  const { raw, totals } = summed();
  const from = (topic: string): number => writer.positions().get(`${topic}:0`) ?? 0;
  const [rawFrom, totalsFrom] = [from("raw"), from("totals")];
  const moved = raw.map((record) => ({ ...record, offset: rawFrom + record.offset }));
  await writer.append([...moved, { ...totals, offset: totalsFrom }]);
  await writer.flush();
  await writer.close();
  const reader = new program.ArchiveReader(folder);
  context.after(() => reader.close());
  const ask = async (sql: string): Promise<unknown> => (await program.runSql(reader, sql)).rows;
  assert.deepEqual(
    await ask(
      "SELECT station_id, docks_disabled, num_docks_disabled FROM stations WHERE system = 'lyon' ORDER BY 1",
    ),
    [
      ["a", 2, 2],
      ["b", 5, 5],
      ["c", null, null],
    ],
  );
  assert.deepEqual(await ask("SELECT docks_disabled FROM areas WHERE system = 'lyon'"), [[7]]);
  assert.deepEqual(
    await ask("SELECT count(*) > 0, count(docks_disabled) FROM stations WHERE system = 'velib'"),
    [[true, 0]],
  );
  const row = program.stationRow(decoded(collected("a", 2)), { epoch: 1, partition: 0, offset: 0 });
  assert.equal(valueOf(JSON.parse(program.playedBack(row)) as object, "num_docks_disabled"), 2);
});

test("Spark's query reads it, orders by it and sums it", () => {
  const observations = program.observationsSql();
  assert.match(observations, /num_docks_disabled: VARIANT/);
  assert.match(observations, /'docksDisabled', CASE WHEN try_variant_get\(record\.num_docks_disabled/);
  const totals = program.totalsSql({ slots: 1, partitions: 1, floors: [0], schema: "s", writer: "w" });
  assert.match(totals, /exists\(stations, s -> s\.docksDisabled >= 0\)[^]*?AS docks_disabled/);
  assert.match(totals, /'docks_disabled', docks_disabled/);
});
