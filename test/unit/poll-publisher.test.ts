/** What is remembered as published: what the log has acknowledged, no sooner, and nothing that it refused. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Collection } from "../../src/domain/collection.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { CollectorStatus } from "../../src/stages/collect/collector-status.ts";
import { PollPublisher, type Succeeded } from "../../src/stages/collect/poll-publisher.ts";
import type { LogProducer, ProduceRecord } from "../../src/ports.ts";
import { scriptedFeed, SYSTEM, type ScriptedStation } from "../support/scripted-feed.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { settled, TestClock } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const STATIONS: readonly ScriptedStation[] = [
  { id: 1, code: "16107", mechanical: 4, electric: 1 },
  { id: 2, code: "32017", mechanical: 1, electric: 4 },
];

async function setUp(publish: LogProducer["publish"]) {
  const clock = new TestClock();
  const poll = { kind: "stations", stations: STATIONS } as const;
  const source = scriptedFeed(clock, [poll, poll, poll]);
  const collection = new Collection({
    systemId: SYSTEM.systemId,
    mode: "changes",
    simulated: false,
    resolveArea: () => ({ area: "75016", rule: "station_code" }),
  });
  const log = new MemoryLog({ clock });
  await log.createTopics([{ topic: "raw", partitions: 1, replicationFactor: 1, cleanupPolicy: "compact" }]);
  const stop = new AbortController();
  const publisher = new PollPublisher({
    collection,
    system: SYSTEM,
    status: new CollectorStatus(),
    source,
    selection: null,
    log,
    producer: { publish, close: () => Promise.resolve() },
    topics: TOPICS,
    clock,
    logger: silentLogger,
    metrics: countingMetrics(),
    signal: stop.signal,
    others: null,
  });
  const next = async (): Promise<Succeeded> => {
    const made = await source.poll(stop.signal);
    return made.kind === "changed" || made.kind === "unchanged" ? made : assert.fail(made.kind);
  };
  return { clock, collection, publisher, next, stop };
}

function keysOf(records: readonly ProduceRecord[]): (string | null)[] {
  return records.filter(({ topic }) => topic === "raw").map(({ key }) => key);
}

test("a publication is remembered when the log has acknowledged it, and not while it waits", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const { collection, publisher, next } = await setUp(() => promise);
  const done = publisher.offer(await next());
  await settled();
  assert.equal(collection.stationCount, 0);
  resolve();
  await done;
  assert.equal(collection.stationCount, 2);
});

test("a publication that fails is not remembered", async () => {
  const { collection, publisher, next } = await setUp(() => Promise.reject(new Error("refused")));
  await publisher.offer(await next());
  assert.equal(collection.stationCount, 0);
  assert.match(String(publisher.failure?.error), /refused/);
});

test("one that was told to stop while the log is away has not failed, and remembers nothing", async () => {
  const { promise, reject } = Promise.withResolvers<void>();
  const { collection, publisher, next, stop } = await setUp(() => promise);
  const done = publisher.offer(await next());
  await settled();
  stop.abort();
  reject(new Error("given up"));
  await done;
  assert.deepEqual([collection.stationCount, publisher.failure], [0, null]);
});

test("of what the log refuses a record alone the others count, and that one is tried again with the next poll", async () => {
  const published: (string | null)[][] = [];
  const refusing = { is: true };
  const { clock, collection, publisher, next } = await setUp((records, _, onRefused) => {
    const keys = keysOf(records);
    if (keys.length > 0) published.push(keys);
    for (const record of records)
      if (refusing.is && record.key === "velib:2" && record.topic === "raw") onRefused?.(record, "too old");
    return Promise.resolve();
  });
  await publisher.offer(await next());
  assert.equal(collection.stationCount, 1);
  refusing.is = false;
  await clock.advance(1_000);
  await publisher.offer(await next());
  assert.equal(collection.stationCount, 2);
  await clock.advance(1_000);
  await publisher.offer(await next());
  assert.deepEqual(published, [["velib:1", "velib:2"], ["velib:2"]]);
});
