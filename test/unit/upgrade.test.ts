/**
 * What version 0.1.0 left is taken over: test/fixtures/upgrade-0.1.0 holds its topics, archive, query on Spark and configuration,
 * written by it, with ids and areas that hold colons and percent signs (docs/upgrading.md).
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname } from "node:path";
import { test, type TestContext } from "node:test";
import { AreaTotals } from "../../src/domain/area-totals.ts";
import { Collection } from "../../src/domain/collection.ts";

import { decodeStationStatus } from "../../src/domain/gbfs/station-status.ts";
import { LiveView } from "../../src/domain/live-view.ts";
import { decodeRawRecord } from "../../src/record/raw-record.ts";
import { decodeTotals } from "../../src/record/totals-record.ts";
import { settle } from "../../src/config/settings.ts";
import { ArchiveReader } from "../../src/history/read/archive-reader.ts";
import { ArchiveQueries } from "../../src/history/read/queries.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { aggregateProcessor } from "../../src/stages/aggregate/totals-processor.ts";
import { readPublishedAreas } from "../../src/stages/aggregate/published-areas.ts";
import { newGeneration } from "../../src/stages/aggregate-spark/generation.ts";
import {
  canGoOn,
  coveredOf,
  loadQueryRecord,
  QUERY_VERSION,
} from "../../src/stages/aggregate-spark/query-record.ts";
import { releaseKept } from "../../src/stages/aggregate-spark/release-kept.ts";
import type { SupervisorOptions } from "../../src/stages/aggregate-spark/supervisor-options.ts";
import { RestoreSnapshot } from "../../src/stages/collect/restore-collection.ts";
import { PrintStage } from "../../src/stages/print/print.ts";
import type { LogRecord, ProduceRecord } from "../../src/ports.ts";
import { areaKey, parseStationKey, stationKey } from "../../src/record/keys.ts";
import { openWriter, temporaryFolder } from "../support/archive.ts";
import { runSink } from "../support/run-sink.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { settled, TestClock } from "../support/test-clock.ts";

const FIXTURE = "test/fixtures/upgrade-0.1.0";
const TOPICS = { raw: "velib-projet", totals: "velib-projet-final-data", rejects: "velib-projet-rejects" };
const LEFT_AT_MS = Date.parse("2026-11-01T10:06:00Z");
const POLL_MS = 60_000;
/** After so many polls without a station it is gone. */
const POLLS_TO_LEAVE = 4;

/** Who is in which area; what version 0.1.0 had published when it stopped. */
const AREAS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  velib: {
    "213688169": "75016",
    "653222953": "Zone 1: Nord",
    "a:1": "100% Est",
    "a%3A1": "Zone 1: Nord",
    "free-floating:areas_file:75016": "75016",
    "9": "lyon:1",
  },
  lyon: { "1": "1", "2": "A:B" },
  "ville:nord": { "7": "Centre", "x:7": "A:B", "8": "50%25" },
};

interface Written {
  readonly partition: number;
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
}

function fixture(topic: string): Written[] {
  const lines = readFileSync(`${FIXTURE}/${topic}.ndjson`, "utf8").trim().split("\n");
  return lines.map((line) => JSON.parse(line) as Written);
}

/** A log that holds what version 0.1.0 wrote, at the same offsets. */
async function oldLog(topics: readonly string[]): Promise<MemoryLog> {
  const log = new MemoryLog({ clock: new TestClock(LEFT_AT_MS) });
  await log.createTopics(
    [TOPICS.raw, TOPICS.totals, TOPICS.rejects].map((topic) => ({
      topic,
      partitions: 2,
      replicationFactor: 1,
      cleanupPolicy: "compact" as const,
    })),
  );
  const producer = await log.producer();
  for (const topic of topics)
    await producer.publish(
      fixture(topic).map(({ partition, key, value, headers, timestampMs }): ProduceRecord => ({
        topic,
        partition,
        key,
        value,
        headers,
        timestampMs,
      })),
    );
  return log;
}

async function readAll(log: MemoryLog, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read({ topics: [topic], from: "earliest", until: "end" }))
    records.push(...batch.records);
  return records;
}

/** The records that compaction would leave. */
function live(records: readonly LogRecord[]): LogRecord[] {
  const last = new Map(records.map((record) => [`${record.partition} ${record.key ?? ""}`, record]));
  return [...last.values()].filter(({ value }) => value !== null);
}

/** What of a raw record is summed. */
interface Said {
  readonly system_id: string;
  readonly station_id: string | number;
  readonly postcode: string;
  readonly nbr_total: number;
  readonly observed_at: number;
  readonly retired?: true;
}

/** Totals by own key: the newest observation of each station, whatever keys it stands under. */
function recount(records: readonly LogRecord[]): Map<string, number> {
  const newest = new Map<string, { area: string | null; total: number; atMs: number }>();
  for (const { value } of live(records)) {
    const said = JSON.parse(value?.toString() ?? "") as Said;
    const key = JSON.stringify([said.system_id, String(said.station_id)]);
    if ((newest.get(key)?.atMs ?? 0) > said.observed_at) continue;
    newest.set(key, {
      area: said.retired === true ? null : areaKey(said.system_id, said.postcode),
      total: said.nbr_total,
      atMs: said.observed_at,
    });
  }
  const totals = new Map<string, number>();
  for (const { area, total } of newest.values())
    if (area !== null) totals.set(area, (totals.get(area) ?? 0) + total);
  return totals;
}

/** Totals by own key, as the aggregate's reducer has them. */
function summed(records: readonly LogRecord[]): Map<string, number> {
  const partitions = new Map<number, AreaTotals>();
  for (const { key, value, partition, timestampMs } of records) {
    const totals = partitions.get(partition) ?? new AreaTotals();
    partitions.set(partition, totals);
    if (value === null) totals.remove(key ?? "", timestampMs);
    else {
      const decoding = decodeRawRecord(key, value.toString(), timestampMs, () => null);
      assert.ok(decoding.ok, key ?? "");
      totals.apply(decoding.record, key);
    }
  }
  const all = [...partitions.values()].flatMap((totals) => [...totals.totals()]);
  return new Map(all.map(([key, { total }]) => [key, total] as const));
}

function collectionOf(systemId: string): Collection {
  return new Collection({
    systemId,
    mode: "changes",
    simulated: false,
    resolveArea: (_information, _code, id) => ({
      area: AREAS[systemId]?.[id] ?? "moved",
      rule: "areas_file",
    }),
  });
}

/** What the collector of today publishes of the systems, at poll `poll` after the upgrade. */
async function pollAll(
  log: MemoryLog,
  collections: ReadonlyMap<string, Collection>,
  poll: number,
  absent: readonly string[] = [],
): Promise<void> {
  const producer = await log.producer();
  for (const [systemId, collection] of collections) {
    const ids = Object.keys(AREAS[systemId] ?? {}).filter((id) => !absent.includes(id));
    const stations = ids.map((id, at) => ({ station_id: id, num_bikes_available: 100 + at + poll }));
    const status = decodeStationStatus({ version: "2.3", data: { stations } }, new Map());
    const observedAtMs = LEFT_AT_MS + poll * POLL_MS;
    const plan = collection.plan({
      observedAtMs,
      stations: status?.stations ?? [],
      unreadable: new Set(),
      information: new Map(),
      partitionCount: 2,
    });
    await producer.publish(
      plan.records.map(({ key, value, partition }) => ({
        topic: TOPICS.raw,
        key,
        value,
        partition,
        headers: value === null ? { system: systemId } : {},
        timestampMs: observedAtMs,
      })),
    );
    collection.acknowledge(plan);
  }
}

async function restored(log: MemoryLog): Promise<Map<string, Collection>> {
  const clock = { now: () => LEFT_AT_MS + 10 * POLL_MS };
  const snapshot = new RestoreSnapshot(log, TOPICS.raw, new AbortController().signal, clock);
  const collections = new Map<string, Collection>();
  for (const [systemId, stations] of Object.entries(AREAS)) {
    const collection = collectionOf(systemId);
    const count = await snapshot.restore(collection, systemId);
    assert.equal(count, Object.keys(stations).length, `stations of ${systemId}`);
    collections.set(systemId, collection);
  }
  return collections;
}

async function aggregate(log: MemoryLog): Promise<void> {
  const handle = await log.process(
    { topic: TOPICS.raw, group: "upgraded" },
    aggregateProcessor({
      topics: TOPICS,
      readReference: () => null,
      partitionCount: 2,
      writer: { engine: "node", group: "upgraded", sinceMs: 1 },
      publishedAreas: (partition) => readPublishedAreas(log, TOPICS, partition),
      clock: new TestClock(LEFT_AT_MS),
      logger: silentLogger,
      metrics: countingMetrics(),
    }),
  );
  await settled();
  await handle.stop();
}

function totalsTable(records: readonly LogRecord[]): Map<string, number> {
  return new Map(
    live(records).map(
      ({ key, value }) => [key ?? "", decodeTotals(value?.toString() ?? "")?.total ?? -1] as const,
    ),
  );
}

test("the collector takes every station over, and each stands under its own key alone", async () => {
  const log = await oldLog([TOPICS.raw]);
  const collections = await restored(log);
  await pollAll(log, collections, 1);
  const keys = live(await readAll(log, TOPICS.raw)).map(({ key }) => key ?? "");
  const expected = Object.entries(AREAS).flatMap(([systemId, stations]) =>
    Object.keys(stations).map((id) => stationKey(systemId, id)),
  );
  assert.deepEqual(keys.toSorted(), expected.toSorted());
  const records = (await readAll(log, TOPICS.raw)).length;
  await pollAll(log, await restored(log), 1);
  assert.equal(
    (await readAll(log, TOPICS.raw)).length,
    records + expected.length,
    "no tombstone a second time",
  );
});

test("a station that left meanwhile takes both of its keys along", async () => {
  const log = await oldLog([TOPICS.raw]);
  const collections = await restored(log);
  const gone = ["a:1", "x:7"];
  for (let poll = 1; poll <= POLLS_TO_LEAVE; poll += 1) await pollAll(log, collections, poll, gone);
  const stations = live(await readAll(log, TOPICS.raw)).map(
    ({ key }) => parseStationKey(key ?? "")?.stationId,
  );
  for (const id of gone) assert.ok(!stations.includes(id), id);
  assert.ok(!stations.includes(undefined), "no key of old is left");
});

test("cut anywhere on the way, old and new keys of one station count once, compacted or not", async () => {
  const log = await oldLog([TOPICS.raw]);
  const before = (await readAll(log, TOPICS.raw)).length;
  const collections = await restored(log);
  for (let poll = 1; poll <= POLLS_TO_LEAVE; poll += 1) await pollAll(log, collections, poll, ["9", "x:7"]);
  const records = (await readAll(log, TOPICS.raw)).sort((a, b) => a.timestampMs - b.timestampMs);
  for (let cut = before; cut <= records.length; cut += 1) {
    const prefix = records.slice(0, cut);
    const expected = recount(prefix);
    assert.deepEqual(summed(prefix), expected, `after ${cut} records`);
    assert.deepEqual(summed(live(prefix)), expected, `compacted, after ${cut} records`);
  }
});

for (const history of ["committed", "none"] as const)
  test(`the totals topic ends with each area under its own key (history of the group: ${history})`, async () => {
    const log = await oldLog([TOPICS.raw, TOPICS.totals]);
    // A group of its own reads everything again; a group of old has the first part as history.
    if (history === "committed") {
      const handle = await log.process(
        { topic: TOPICS.raw, group: "upgraded" },
        { restore: () => Promise.resolve(), process: () => [], release: () => {} },
      );
      await settled();
      await handle.stop();
    }
    const collections = await restored(log);
    await pollAll(log, collections, 1);
    await aggregate(log);
    const raw = await readAll(log, TOPICS.raw);
    const totals = await readAll(log, TOPICS.totals);
    assert.deepEqual(totalsTable(totals), recount(raw));
    assert.equal(totalsTable(totals).get("lyon:1"), 101, "two areas of one old key are two");
    assert.equal(totalsTable(totals).get("lyon%3A1"), 101);

    const view = new LiveView();
    for (const record of raw) view.applyRaw(record);
    for (const record of totals) view.applyTotals(record);
    view.commit();
    assert.equal(view.stationCount, 11);
    assert.deepEqual(
      new Map([...view.areas()].map(({ key, totals: { total } }) => [key, total] as const)),
      recount(raw),
    );

    const tombstones = totals.filter(({ value }) => value === null).length;
    await pollAll(log, collections, 2);
    await aggregate(log);
    const later = (await readAll(log, TOPICS.totals)).filter(({ value }) => value === null);
    assert.equal(later.length, tombstones, "nothing is cleared away twice");
  });

test("--json removes an area by the postcode that it had, and none that only changed its key", async () => {
  const log = await oldLog([TOPICS.raw, TOPICS.totals]);
  const collections = await restored(log);
  for (let poll = 1; poll <= POLLS_TO_LEAVE; poll += 1) {
    await pollAll(log, collections, poll, ["a:1", "x:7"]);
    await aggregate(log);
  }
  let printed = "";
  const write = (text: string): Promise<void> => Promise.resolve(void (printed += text));
  await runSink(
    new PrintStage({ what: "totals", from: "earliest", write }),
    { log, topics: TOPICS, clock: new TestClock(), logger: silentLogger, metrics: countingMetrics() },
    new AbortController().signal,
    AbortSignal.abort(),
  );
  const table = new Map<string, number>();
  for (const line of printed.trim().split("\n")) {
    const said = JSON.parse(line) as {
      postcode: string;
      system_id: string;
      nbr_total: number;
      tombstone?: true;
    };
    const area = areaKey(said.system_id, said.postcode);
    if (said.tombstone) assert.ok(table.delete(area), `${line} removes what was there`);
    else table.set(area, said.nbr_total);
  }
  assert.deepEqual(table, recount(await readAll(log, TOPICS.raw)));
});

test("the archive goes on: an area with a colon in its name is one area, before and after", async (context) => {
  const folder = await oldArchive(context);
  const clock = new TestClock(LEFT_AT_MS + 10 * POLL_MS);
  const log = await oldLog([TOPICS.raw, TOPICS.totals]);
  const collections = await restored(log);
  await pollAll(log, collections, 1);
  await aggregate(log);
  for (let poll = 2; poll <= POLLS_TO_LEAVE + 1; poll += 1) {
    await pollAll(log, collections, poll, ["a:1", "x:7"]);
    await aggregate(log);
  }
  const writer = await openWriter(folder, clock, { topics: TOPICS });
  const positions = writer.positions();
  assert.equal(
    positions.get(`${TOPICS.raw}:0`),
    fixture(TOPICS.raw).filter(({ partition }) => partition === 0).length,
  );
  for await (const { records } of log.read({
    topics: [TOPICS.raw, TOPICS.totals],
    from: positions,
    until: "end",
  }))
    await writer.append(records);
  await writer.close();
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  const queries = new ArchiveQueries(reader, clock);
  const at = async (systemId: string, area: string, atMs: number): Promise<number | null | undefined> =>
    (await queries.areaSeries({ systemId, area, edges: [atMs, atMs + 1], aggregate: "last" }))?.total[0];
  const before = LEFT_AT_MS - POLL_MS;
  const after = LEFT_AT_MS + POLL_MS;
  assert.deepEqual(
    [await at("velib", "Zone 1: Nord", before), await at("velib", "Zone 1: Nord", after)],
    [10, 208],
  );
  assert.deepEqual([await at("velib", "100% Est", before), await at("velib", "100% Est", after)], [5, 104]);
  assert.equal(await at("ville:nord", "A:B", after), 103);
  const end = LEFT_AT_MS + (POLLS_TO_LEAVE + 1) * POLL_MS;
  assert.equal((await at("velib", "100% Est", end)) ?? null, null, "its station left");
  assert.equal(await at("velib", "Zone 1: Nord", end), 215);
  assert.equal(
    await queries.areaSeries({ systemId: "Zone 1", area: " Nord", edges: [after, end], aggregate: "last" }),
    null,
  );
});

async function oldArchive(context: TestContext): Promise<string> {
  const folder = await temporaryFolder(context);
  await cp(`${FIXTURE}/history`, folder, { recursive: true });
  return folder;
}

test("its configuration file is read", () => {
  const { settings } = settle({
    args: ["--config", `${FIXTURE}/velostream.yaml`],
    env: {},
    accepts: ["interval", "areas", "port", "data-dir", "raw-topic"],
    commandName: "velostream run",
  });
  assert.equal(settings.interval, 30_000);
  assert.equal(settings["raw-topic"], "velib-projet");
});

test("Spark's query begins anew: the old one is ended, its checkpoint is not read, and its rejects are not told again", async () => {
  const recordFile = `${FIXTURE}/spark/query.json`;
  const old = await loadQueryRecord(recordFile);
  assert.ok(old !== null && old.started && old.handedOver);
  assert.ok(!canGoOn(old, TOPICS), "its state is of plain keys");
  assert.ok(canGoOn({ ...old, version: QUERY_VERSION }, TOPICS), "for nothing else");
  const ended: string[] = [];
  const connect = (sessionId: string) => ({
    release: () => Promise.resolve(void ended.push(sessionId)),
    close: () => {},
  });
  await releaseKept({ recordFile, connect: connect as unknown as SupervisorOptions["connect"] });
  assert.deepEqual(ended, [old.sessionId]);
  const log = await oldLog([TOPICS.raw]);
  const { record, rejects } = await newGeneration({
    log,
    topics: TOPICS,
    clock: new TestClock(LEFT_AT_MS),
    checkpoints: dirname(old.checkpoint),
    reportFrom: coveredOf(old),
    slotsSeen: 0,
  });
  assert.notEqual(record.checkpoint, old.checkpoint);
  assert.deepEqual([record.covered, record.slots], [old.covered, old.slots], "it reads the same topic");
  assert.deepEqual(rejects, []);
});
