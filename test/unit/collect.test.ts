/** The collector: what it publishes, when it polls again, and what it does while things are away. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stationSelection } from "../../src/domain/station-selection.ts";
import { ConfigError, FeedError, LogError } from "../../src/errors.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { Collector, type CollectorOptions } from "../../src/stages/collect/collector.ts";
import type { LogProducer, LogRecord, ProduceRecord } from "../../src/ports.ts";
import { scriptedFeed, SYSTEM, type ScriptedPoll, type ScriptedStation } from "../support/scripted-feed.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { settled, TestClock } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const GODARD: ScriptedStation = { id: 213688169, code: "16107", mechanical: 4, electric: 1 };
const BASILIQUE: ScriptedStation = { id: 653222953, code: "32017", mechanical: 1, electric: 4 };

async function memoryLog(clock: TestClock): Promise<MemoryLog> {
  const log = new MemoryLog({ clock });
  const shared = { partitions: 3, replicationFactor: 1 };
  await log.createTopics([
    { topic: "raw", cleanupPolicy: "compact", ...shared },
    { topic: "totals", cleanupPolicy: "compact", ...shared },
    { topic: "rejects", cleanupPolicy: "delete", ...shared },
  ]);
  return log;
}

interface Setup {
  readonly script: readonly ScriptedPoll[];
  readonly options?: Partial<CollectorOptions>;
  readonly log?: MemoryLog;
  readonly clock?: TestClock;
}

async function setUp({ script, options = {}, clock = new TestClock(), log }: Setup) {
  const theLog = log ?? (await memoryLog(clock));
  const source = options.source ?? scriptedFeed(clock, script);
  const metrics = countingMetrics();
  const collector = new Collector({
    source,
    log: theLog,
    producer: await theLog.producer(),
    topics: TOPICS,
    mode: "changes",
    selection: null,
    areasFor: () => (_information, code) => ({
      area: `area-${code?.slice(0, 2) ?? "none"}`,
      rule: "station_code",
    }),
    pacerFor: () => ({ next: ({ atMs }) => atMs + 10_000, changePeriodMs: null }),
    lossless: true,
    clock,
    random: () => 0.5,
    logger: silentLogger,
    metrics,
    ...options,
  });
  return { clock, log: theLog, collector, metrics };
}

async function readAll(log: MemoryLog, topic: string): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read({ topics: [topic], from: "earliest", until: "end" }))
    records.push(...batch.records);
  return records;
}

/** Runs the collector to the end of its script. */
async function runToEnd(collector: Collector, clock: TestClock): Promise<void> {
  const done = collector.run(new AbortController().signal);
  done.catch(() => {});
  await clock.advance(3_600_000);
  await done;
}

describe("collector", () => {
  test("publishes a station when it changes, not at every poll", async () => {
    const { collector, clock, log } = await setUp({
      script: [
        { kind: "stations", stations: [GODARD, BASILIQUE] },
        { kind: "stations", stations: [GODARD, BASILIQUE] },
        { kind: "stations", stations: [{ ...GODARD, electric: 2 }, BASILIQUE] },
      ],
    });
    await runToEnd(collector, clock);
    const keys = (await readAll(log, "raw")).map(({ key }) => key);
    assert.deepEqual(
      keys.toSorted((a, b) => (a ?? "").localeCompare(b ?? "")),
      ["velib:213688169", "velib:213688169", "velib:653222953"],
    );
  });

  test("publishes every station at every poll when asked to", async () => {
    const poll: ScriptedPoll = { kind: "stations", stations: [GODARD, BASILIQUE] };
    const { collector, clock, log } = await setUp({
      script: [poll, poll, poll],
      options: { mode: "every-poll" },
    });
    await runToEnd(collector, clock);
    assert.equal((await readAll(log, "raw")).length, 6);
  });

  test("collects only the stations that were chosen", async () => {
    const { collector, clock, log } = await setUp({
      script: [{ kind: "stations", stations: [GODARD, BASILIQUE] }],
      options: { selection: stationSelection(["16107"]) },
    });
    await runToEnd(collector, clock);
    assert.deepEqual(
      (await readAll(log, "raw")).map(({ key }) => key),
      ["velib:213688169"],
    );
  });

  test("refuses a code that the feed does not have, naming the nearest ones", async () => {
    const { collector, clock } = await setUp({
      script: [{ kind: "stations", stations: [GODARD, BASILIQUE] }],
      options: { selection: stationSelection(["16108"]) },
    });
    await assert.rejects(runToEnd(collector, clock), (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "VELOSTREAM_STATIONS_UNKNOWN");
      assert.match(error.message, /no station 16108 \(nearest: 16107, /);
      return true;
    });
  });

  test("takes a code whose record is broken for known", async () => {
    const { collector, clock } = await setUp({
      script: [
        { kind: "stations", stations: [{ stationCode: "16107", station_id: 1, num_bikes_available: -1 }] },
      ],
      options: { selection: stationSelection(["16107"]) },
    });
    await runToEnd(collector, clock);
  });

  test("flags stations that come with other ids once, and counts none twice", async () => {
    const under = (base: number): ScriptedPoll => ({
      kind: "stations",
      stations: Array.from({ length: 5 }, (_, n) => ({ ...GODARD, id: base + n })),
    });
    const warned: unknown[] = [];
    const logger = {
      ...silentLogger,
      warn: (event: string, _: string, fields?: Readonly<Record<string, unknown>>) =>
        void (event === "feed.flagged" && warned.push(fields?.["flag"])),
    };
    const { collector, clock, log } = await setUp({
      script: [under(100), under(200), under(200)],
      options: { logger },
    });
    await runToEnd(collector, clock);
    assert.deepEqual(
      collector.status.flags.map(({ flag }) => flag),
      ["renumbered"],
    );
    assert.deepEqual(warned, ["renumbered"]);
    const standing = new Map((await readAll(log, "raw")).map(({ key, value }) => [key, value]));
    assert.equal([...standing].filter(([, value]) => value !== null).length, 5);
  });

  test("keeps a broken record once, counts it at every poll, and publishes the others", async () => {
    const broken = { stationCode: "1", station_id: 1, num_bikes_available: -1 };
    const poll: ScriptedPoll = { kind: "stations", stations: [broken, GODARD] };
    const { collector, clock, log, metrics } = await setUp({ script: [poll, poll, poll] });
    await runToEnd(collector, clock);
    assert.equal((await readAll(log, "raw")).length, 1);
    const rejects = await readAll(log, "rejects");
    assert.equal(rejects.length, 1);
    assert.match(rejects[0]?.value?.toString() ?? "", /"reason":"negative_count"/);
    assert.equal(
      metrics.counts.get('velostream_rejects_total{"stage":"collect","reason":"negative_count"}'),
      3,
    );
  });

  test("goes on after failed polls", async () => {
    const { collector, clock, log, metrics } = await setUp({
      script: [
        { kind: "failed", outcome: "timeout" },
        { kind: "failed", outcome: "http_503" },
        { kind: "stations", stations: [GODARD] },
      ],
    });
    await runToEnd(collector, clock);
    assert.equal((await readAll(log, "raw")).length, 1);
    assert.equal(metrics.counts.get('velostream_polls_total{"system":"velib","outcome":"timeout"}'), 1);
    assert.equal(collector.status.failedPolls, 2);
  });

  test("asks a feed that is away who it is until it answers", async () => {
    const clock = new TestClock();
    let asked = 0;
    const source = scriptedFeed(clock, [{ kind: "stations", stations: [GODARD] }], () => {
      asked += 1;
      return asked < 3
        ? Promise.reject(new FeedError("VELOSTREAM_FEED_UNAVAILABLE", "Away. Wait."))
        : Promise.resolve(SYSTEM);
    });
    const { collector, log } = await setUp({ script: [], clock, options: { source } });
    await runToEnd(collector, clock);
    assert.equal(asked, 3);
    assert.equal((await readAll(log, "raw")).length, 1);
  });

  test("stops with the error of a feed that can never be used", async () => {
    const clock = new TestClock();
    const source = scriptedFeed(clock, [], () =>
      Promise.reject(new FeedError("VELOSTREAM_FEED_REFUSED", "Not a URL we fetch. Use https.")),
    );
    const { collector } = await setUp({ script: [], clock, options: { source } });
    await assert.rejects(runToEnd(collector, clock), /Not a URL we fetch/);
  });

  test("remembers after a restart what it published, and publishes only what moved areas or changed", async () => {
    const clock = new TestClock();
    const first = await setUp({ script: [{ kind: "stations", stations: [GODARD, BASILIQUE] }], clock });
    await runToEnd(first.collector, clock);
    const second = await setUp({
      script: Array.from({ length: 20 }, () => ({ kind: "stations", stations: [GODARD] }) as const),
      clock,
      log: first.log,
    });
    await runToEnd(second.collector, clock);
    const basilique = (await readAll(first.log, "raw")).filter(({ key }) => key === "velib:653222953");
    assert.equal(basilique.at(-1)?.value, null, "gone from the feed after the restart: retired");
    assert.match(basilique.at(-2)?.value?.toString() ?? "", /"retired":true/);
  });

  test("what only an earlier poll saw is not lost when a newer one takes its place while the log is away", async () => {
    const clock = new TestClock();
    const log = await memoryLog(clock);
    let open: (() => void) | null = null;
    const published: (readonly ProduceRecord[])[] = [];
    const producer: LogProducer = {
      publish: async (records) => {
        if (published.length === 0) await new Promise<void>((resolve) => (open = resolve));
        published.push(records);
      },
      close: () => Promise.resolve(),
    };
    const free = (count: number) => ({ station_id: "free-floating:system:s", num_bikes_available: count });
    const script: ScriptedPoll[] = [
      { kind: "stations", stations: [GODARD, free(1)] },
      { kind: "stations", stations: [{ ...GODARD, electric: 2 }, free(7)] },
      { kind: "stations", stations: [{ ...GODARD, electric: 3 }], unobserved: ["vehicles"] },
      { kind: "stations", stations: [], unobserved: ["vehicles", "stations"] },
    ];
    const { collector } = await setUp({ script, clock, log, options: { producer, lossless: false } });
    const done = collector.run(new AbortController().signal);
    await clock.advance(35_000);
    (open as (() => void) | null)?.();
    await settled();
    await clock.advance(60_000);
    await done;
    const totals = published[1]?.map(({ value }) => /"nbr_total":(\d)/.exec(String(value))?.[1]);
    assert.deepEqual(totals?.toSorted(), ["7", "7"], "4 + 3 at the station, 7 free ones");
  });

  test("keeps only the newest poll while the log is away, and publishes it when the log is back", async () => {
    const clock = new TestClock();
    const log = await memoryLog(clock);
    let open: (() => void) | null = null;
    const published: (readonly ProduceRecord[])[] = [];
    const producer: LogProducer = {
      publish: async (records) => {
        if (published.length === 0) await new Promise<void>((resolve) => (open = resolve));
        published.push(records);
      },
      close: () => Promise.resolve(),
    };
    const polls = [1, 2, 3, 4, 5].map((electric): ScriptedPoll => ({
      kind: "stations",
      stations: [{ ...GODARD, electric }],
    }));
    const { collector } = await setUp({ script: polls, clock, log, options: { producer, lossless: false } });
    const done = collector.run(new AbortController().signal);
    await clock.advance(45_000);
    assert.equal(published.length, 0);
    (open as (() => void) | null)?.();
    await settled();
    await clock.advance(60_000);
    await done;
    assert.deepEqual(
      published.map((records) => /"nbr_elec":(\d)/.exec(String(records[0]?.value))?.[1]),
      ["1", "5"],
    );
  });

  test("forgets a plan that the log refused, and stops with the refusal", async () => {
    const producer: LogProducer = {
      publish: () =>
        Promise.reject(new LogError("VELOSTREAM_LOG_REFUSED", "Not allowed. Ask your operator.")),
      close: () => Promise.resolve(),
    };
    const { collector, clock } = await setUp({
      script: [{ kind: "stations", stations: [GODARD] }],
      options: { producer },
    });
    await assert.rejects(runToEnd(collector, clock), /Not allowed/);
    assert.equal(collector.status.recordsPublished, 0);
  });
});
