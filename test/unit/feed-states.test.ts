/** The topic of feeds: who tells it, what a reader makes of it, and what nobody upholds any more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeCollectors } from "../../src/cli/collectors-check.ts";
import {
  decodeFeedState,
  encodeFeedState,
  isFeedNews,
  type FeedState,
} from "../../src/domain/feed-record.ts";
import { FeedStates, SILENT_AFTER_MS } from "../../src/domain/feed-states.ts";
import { LogError } from "../../src/errors.ts";
import { presentSystems } from "../../src/http/systems.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { topicSpecs } from "../../src/log/topics.ts";
import { CollectorStatus } from "../../src/stages/collect/collector-status.ts";
import { FeedReporter, TELL_EVERY_MS } from "../../src/stages/collect/feed-reporter.ts";
import { FeedsStage, toldStatus } from "../../src/stages/feeds/feeds.ts";
import type { Log, LogProducer, LogRecord } from "../../src/ports.ts";
import { systemKey } from "../../src/record/keys.ts";
import { follow } from "../../src/stages/follow.ts";
import { SYSTEM } from "../support/scripted-feed.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { settled, TestClock } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects", feeds: "feeds" };

async function setUp(producerOf: (producer: LogProducer) => LogProducer = (producer) => producer) {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(TOPICS, { partitions: 2, replicationFactor: 1 }));
  const statuses: CollectorStatus[] = [];
  const stop = new AbortController();
  const ended = Promise.withResolvers<void>();
  const told: string[] = [];
  const reporter = new FeedReporter({
    topic: "feeds",
    producer: producerOf(await log.producer()),
    statuses,
    collector: "here/1/a",
    clock,
    logger: { ...silentLogger, warn: (event) => told.push(event) },
  });
  const running = reporter.run(stop.signal, ended.promise);
  const finish = async (): Promise<void> => {
    stop.abort();
    ended.resolve();
    await running;
  };
  return { clock, log, statuses, stop, ended, running, finish, told };
}

async function recordsOf(log: Log): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read({ topics: ["feeds"], from: "earliest", until: "end" }))
    records.push(...batch.records);
  return records;
}

async function readerOf(log: Log, clock: TestClock): Promise<FeedsStage> {
  const sink = new FeedsStage();
  const given = { log, topics: TOPICS, clock, logger: silentLogger, metrics: countingMetrics() };
  await sink.open({ ...given, stop: new AbortController().signal, fail: assert.fail, checks: () => [] });
  await follow({ sink, ...given }, new AbortController().signal, AbortSignal.abort());
  return sink;
}

function statusOf(systemId: string): CollectorStatus {
  const status = new CollectorStatus();
  status.described({ ...SYSTEM, systemId, name: `City of ${systemId}` });
  return status;
}

test("a reader on another machine tells what the collecting process tells", async () => {
  const { clock, log, statuses, finish } = await setUp();
  const one = statusOf("one");
  const two = statusOf("a:b%");
  statuses.push(one, two);
  one.flags = [{ flag: "stale", sinceMs: clock.now() - 5_000, message: "It stands still." }];
  one.content = { atMs: clock.now() - 90_000, staleAfterMs: 600_000 };
  one.areaRule = "region";
  one.failed("http_503", "example.org answers 503. Wait.", clock.now());
  two.failed("dns", "No such host.", clock.now());
  await clock.advance(1_000);
  const here = presentSystems(
    [],
    { statuses: () => [one, two].map((s) => s.systemStatus()).filter((s) => s !== null) },
    clock.now(),
  );
  const there = presentSystems([], await readerOf(log, clock), clock.now());
  // What moves with every poll is told by the process that polls.
  assert.deepEqual(
    there,
    here.map((system) => ({ ...system, next_poll_at: null, traffic: null })),
  );
  assert.equal(there[1]?.last_poll?.message, "example.org answers 503. Wait.");
  assert.deepEqual(
    (await recordsOf(log)).map(({ key }) => key),
    ["one", "a%3Ab%25"],
  );
  await finish();
});

test("tells at once what is news, and what is none once a minute", async () => {
  const { clock, log, statuses, finish } = await setUp();
  const status = statusOf("one");
  statuses.push(status);
  const poll = (): void => {
    status.failed("timeout", "No answer in 10 s.", clock.now());
  };
  await clock.advance(1_000);
  assert.equal((await recordsOf(log)).length, 1);
  poll();
  await clock.advance(1_000);
  assert.equal(decodeFeedState(String((await recordsOf(log)).at(-1)?.value))?.state, "failing");
  const before = (await recordsOf(log)).length;
  for (let second = 0; second < TELL_EVERY_MS / 1_000 - 2; second += 1) {
    poll();
    await clock.advance(1_000);
  }
  assert.equal((await recordsOf(log)).length, before);
  await clock.advance(3_000);
  const records = await recordsOf(log);
  assert.equal(records.length, before + 1);
  const last = decodeFeedState(String(records.at(-1)?.value));
  assert.ok((last?.checkedAtMs ?? 0) > records.at(-2)!.timestampMs);
  await finish();
});

test("its last word is that it stopped; what was taken off the list is a tombstone", async () => {
  const { clock, log, statuses, finish } = await setUp();
  const [one, two] = [statusOf("one"), statusOf("two")];
  statuses.push(one, two);
  await clock.advance(1_000);
  statuses.splice(1, 1);
  await clock.advance(1_000);
  const gone = (await recordsOf(log)).at(-1);
  assert.deepEqual([gone?.key, gone?.value, gone?.headers["system"]], ["two", null, "two"]);
  one.stopped();
  await finish();
  const follower = await readerOf(log, clock);
  assert.deepEqual(
    follower.statuses().map(({ description, state }) => [description.systemId, state]),
    [["one", "stopped"]],
  );
});

test("a feed that nobody tells of any more is not called live, and doctor says what to do", async () => {
  const { clock, log, statuses, finish } = await setUp();
  statuses.push(statusOf("one"));
  await clock.advance(1_000);
  const follower = await readerOf(log, clock);
  assert.equal(follower.statuses()[0]?.state, "waiting");
  assert.equal(describeCollectors(follower.statuses(), clock.now()).ok, true);
  // The reader's clock goes on, the collector is gone.
  const later = clock.now() + SILENT_AFTER_MS + 2_000;
  const states = new FeedStates();
  for (const record of await recordsOf(log)) states.apply(record, later);
  const statusesThen = [...states.values()].map((one) => toldStatus(one, later));
  assert.equal(statusesThen[0]?.state, "unknown");
  assert.deepEqual(
    statusesThen[0]?.flags.map(({ flag }) => flag),
    ["collector_silent"],
  );
  const finding = describeCollectors(statusesThen, later);
  assert.equal(finding.ok, false);
  assert.match(finding.says, /^1 feed, 1 unwell; one: told of by nobody any more\. Start its collector/);
  await finish();
});

test("a topic that may not be written costs the feeds nothing, and is said once", async () => {
  const { clock, statuses, finish, told } = await setUp((producer) => ({
    ...producer,
    publish: () => Promise.reject(new LogError("VELOSTREAM_LOG_REFUSED", "Not allowed.")),
  }));
  statuses.push(statusOf("one"));
  for (let turn = 0; turn < 5; turn += 1) await clock.advance(60_000);
  await finish();
  assert.deepEqual(told, ["feeds.refused"]);
});

test("a log that is away holds up neither the start nor the end", async () => {
  const { clock, statuses, stop, ended, running } = await setUp((producer) => ({
    ...producer,
    publish: (_records, signal) =>
      new Promise((_, reject) => signal?.addEventListener("abort", () => reject(new Error("aborted")))),
  }));
  statuses.push(statusOf("one"));
  await clock.advance(1_000);
  stop.abort();
  ended.resolve();
  await settled();
  await clock.advance(5_000);
  await running;
});

const STATE: FeedState = {
  systemId: "one",
  state: "live",
  reason: null,
  flags: [],
  checkedAtMs: 1,
  contentAtMs: null,
  areaRule: null,
  outcome: "changed",
  observedAtMs: 1,
  contentStaleAfterMs: null,
  pollIntervalMs: null,
  changePeriodMs: null,
  name: "One",
  timezone: null,
  attribution: null,
  licenseUrl: null,
  simulated: false,
  rejects: [],
  alerts: [],
};

function record(
  feed: FeedState | null,
  timestampMs: number,
  writer: string,
  key = systemKey("one") as string,
) {
  const text = feed === null ? null : encodeFeedState(feed);
  return { partition: 0, key, value: text, timestampMs, headers: { writer } };
}

test("the farewell of one collector does not silence another that goes on", () => {
  const states = new FeedStates();
  const stopped: FeedState = { ...STATE, state: "stopped" };
  assert.equal(states.apply(record(STATE, 1_000, "a"), 1_000), "changed");
  assert.equal(states.apply(record(stopped, 2_000, "b"), 2_000), "stale");
  assert.equal(states.apply(record(null, 2_000, "b"), 2_000), "stale");
  assert.equal([...states.values()][0]?.feed.state, "live");
  // Its own does, and so does anybody's once it has been silent.
  assert.equal(states.apply(record(stopped, 3_000, "a"), 3_000), "changed");
  assert.equal(states.apply(record(STATE, 4_000, "a"), 4_000), "changed");
  const late = 4_001 + SILENT_AFTER_MS;
  assert.equal(states.apply(record(stopped, late, "b"), late), "changed");
  assert.equal(states.apply(record(null, late, "b"), late), "changed");
  assert.equal([...states.values()].length, 0);
});

test("what is from the future, of another key or no state at all changes nothing", () => {
  const states = new FeedStates();
  assert.equal(states.apply(record(STATE, 9_000_000, "a"), 1_000), "rejected");
  assert.equal(states.apply(record(STATE, 1_000, "a", "two"), 1_000), "rejected");
  for (const text of [
    "",
    "7",
    "[]",
    "{}",
    '{"system_id":"one","state":"splendid"}',
    '{"system_id":1,"state":"live"}',
  ])
    assert.equal(states.apply({ ...record(STATE, 1, "a"), value: text }, 1_000), "rejected", text);
  assert.equal([...states.values()].length, 0);
});

test("reads back what it wrote, and anything else without throwing", () => {
  const texts = fc.option(fc.string(), { nil: null });
  const times = fc.option(fc.nat(), { nil: null });
  const feeds: fc.Arbitrary<FeedState> = fc.record({
    systemId: fc.string({ minLength: 1 }),
    state: fc.constantFrom("waiting" as const, "live" as const, "failing" as const, "stopped" as const),
    reason: texts,
    flags: fc.array(fc.record({ flag: fc.string(), sinceMs: fc.nat(), message: fc.string() })),
    checkedAtMs: times,
    contentAtMs: times,
    areaRule: texts,
    outcome: texts,
    observedAtMs: times,
    contentStaleAfterMs: times,
    pollIntervalMs: times,
    changePeriodMs: times,
    name: fc.string(),
    timezone: texts,
    attribution: texts,
    licenseUrl: texts,
    simulated: fc.boolean(),
    rejects: fc.array(fc.record({ reason: fc.string(), count: fc.nat(), firstPath: fc.string() })),
    alerts: fc.constant([]),
  });
  fc.assert(
    fc.property(feeds, (feed) => {
      const read = decodeFeedState(encodeFeedState(feed));
      assert.equal(JSON.stringify(read), JSON.stringify(feed));
      assert.equal(isFeedNews(feed, { ...feed, checkedAtMs: 5, contentAtMs: 6, observedAtMs: 7 }), false);
      assert.equal(isFeedNews(feed, { ...feed, reason: `${feed.reason ?? ""}!` }), true);
    }),
  );
  fc.assert(fc.property(fc.json(), (text) => void decodeFeedState(text)));
  const names = ["flags", "rejects", "alerts", "checked_at", "name"];
  fc.assert(
    fc.property(fc.constantFrom(...names), fc.jsonValue(), (name, value) => {
      const read = decodeFeedState(JSON.stringify({ ...JSON.parse(encodeFeedState(STATE)), [name]: value }));
      assert.equal(read?.systemId, "one");
    }),
  );
});
