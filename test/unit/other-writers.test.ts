/** Several collectors on one topic: each answers for what it wants, nobody empties another's city. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { stationSelection } from "../../src/domain/station-selection.ts";
import {
  collectorId,
  decodeWriter,
  encodeWriter,
  startedMsOf,
  stationsText,
} from "../../src/record/writer.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { Collector, type CollectorOptions } from "../../src/stages/collect/collector.ts";
import { WriterWatch } from "../../src/stages/collect/writer-watch.ts";
import type { LogRecord, Logger } from "../../src/ports.ts";
import { scriptedFeed, SYSTEM, type ScriptedPoll, type ScriptedStation } from "../support/scripted-feed.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { TestClock } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const MINUTE = 60_000;

/** A city of `count` stations; the first one's bikes are told. */
function city(count: number, bikes: number, first = 1): ScriptedPoll {
  const stations = Array.from({ length: count }, (_, n): ScriptedStation => ({
    id: first + n,
    code: String(16_100 + n),
    mechanical: n === 0 ? bikes : 3,
    electric: 0,
  }));
  return { kind: "stations", stations };
}

async function topic(clock: TestClock): Promise<MemoryLog> {
  const log = new MemoryLog({ clock });
  const shared = { partitions: 3, replicationFactor: 1, cleanupPolicy: "compact" as const };
  await log.createTopics(Object.values(TOPICS).map((name) => ({ topic: name, ...shared })));
  return log;
}

interface Started {
  readonly script: (poll: number) => ScriptedPoll;
  readonly stations?: readonly string[];
  readonly feedId?: string;
  readonly simulated?: boolean;
  readonly area?: string;
  readonly name?: string;
}

/** Starts a collector as a process of its own would be; it polls every half minute. */
async function start(log: MemoryLog, clock: TestClock, { script, stations = [], ...more }: Started) {
  const stop = new AbortController();
  const lines: string[] = [];
  const logger: Logger = {
    ...silentLogger,
    warn: (event) => void lines.push(event),
    error: (event) => void lines.push(event),
  };
  const polls = Array.from({ length: 400 }, (_, poll) => script(poll));
  const description = { ...SYSTEM, simulated: more.simulated === true };
  const options: CollectorOptions = {
    source: scriptedFeed(clock, polls, () => Promise.resolve(description)),
    log,
    producer: await log.producer(),
    topics: TOPICS,
    mode: "changes",
    selection: stationSelection(stations),
    areasFor: () => (_information, code) => ({
      area: more.area ?? `area-${Number(code) % 4}`,
      rule: "station_code",
    }),
    pacerFor: () => ({ next: ({ atMs }) => atMs + MINUTE / 2, changePeriodMs: null }),
    collector: collectorId(more.name ?? "host", lines.length, clock.now()),
    feedId: more.feedId ?? "one",
    watch: new WriterWatch({ log, topics: TOPICS, clock, logger, signal: stop.signal }),
    lossless: true,
    clock,
    random: () => 0.5,
    logger,
    metrics: countingMetrics(),
  };
  const collector = new Collector(options);
  const done = collector.run(stop.signal);
  done.catch(() => {});
  return { collector, done, stop, lines };
}

async function raw(log: MemoryLog): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const batch of log.read({ topics: ["raw"], from: "earliest", until: "end" }))
    records.push(...batch.records);
  return records;
}

/** What a reader of the topic holds: vehicles by station. */
async function held(log: MemoryLog): Promise<Map<string, number>> {
  const stations = new Map<string, number>();
  for (const { key, value } of await raw(log)) {
    if (value === null) stations.delete(key ?? "");
    else stations.set(key ?? "", (JSON.parse(value.toString()) as { nbr_total: number }).nbr_total);
  }
  return stations;
}

describe("collectors of one topic", () => {
  test("a selection started beside the whole city leaves the city alone, for hours", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const whole = await start(log, clock, { script: (poll) => city(60, poll % 7) });
    await clock.advance(5 * MINUTE);
    const two = await start(log, clock, {
      script: (poll) => city(60, poll % 7),
      stations: ["16100", "16101"],
    });
    await clock.advance(100 * MINUTE);
    assert.equal((await held(log)).size, 60);
    assert.ok((await raw(log)).every(({ value }) => value?.toString().includes('"retired"') !== true));
    assert.equal(two.collector.status.stations, 2, "it counts what it was asked for");
    assert.ok(two.lines.includes("collect.topic_holds_more"));
    const [flag] = two.collector.status.systemStatus()?.flags ?? [];
    assert.match(flag?.message ?? "", /58 more stations .*--raw-topic/);
    whole.stop.abort();
    two.stop.abort();
  });

  test("a selection alone on a topic that an earlier run filled leaves the others as they are", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const whole = await start(log, clock, { script: (poll) => city(60, poll % 7) });
    await clock.advance(5 * MINUTE);
    whole.stop.abort();
    await whole.done;
    await start(log, clock, { script: (poll) => city(60, poll % 7), stations: ["16100"] });
    await clock.advance(100 * MINUTE);
    assert.equal((await held(log)).size, 60);
  });

  test("a chosen station that leaves the feed leaves the topic", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const chosen = ["16100", "16101", "16102"];
    await start(log, clock, {
      script: (poll) => (poll < 4 ? city(60, poll) : city(2, poll)),
      stations: chosen,
    });
    await clock.advance(20 * MINUTE);
    assert.deepEqual([...(await held(log)).keys()].toSorted(), ["velib:1", "velib:2"]);
  });

  test("publishes again what another took out, and says who did", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const whole = await start(log, clock, { script: () => city(20, 1) });
    await clock.advance(2 * MINUTE);
    const producer = await log.producer();
    const stranger = encodeWriter({ collector: "elsewhere/7/abc", feed: "one", stations: "16100" });
    const victims = (await raw(log)).filter(({ value }) => value !== null).slice(0, 15);
    await producer.publish(
      victims.flatMap(({ key, partition, value }) => {
        const last = JSON.parse(value?.toString() ?? "") as Record<string, unknown>;
        const retired = JSON.stringify({ ...last, nbr_total: 0, observed_at: clock.now(), retired: true });
        const headers = { writer: stranger };
        return [retired, null].map((text) => ({ topic: "raw", key, partition, value: text, headers }));
      }),
    );
    assert.equal((await held(log)).size, 5);
    await clock.advance(MINUTE);
    assert.equal((await held(log)).size, 20);
    assert.ok(whole.lines.includes("collect.taken_out_by_another"));
    const flag = whole.collector.status.systemStatus()?.flags[0];
    assert.match(
      flag?.message ?? "",
      /Another collector \(elsewhere\/7\/abc, stations: 16100\) took 15 stations/,
    );
    await clock.advance(30 * MINUTE);
    assert.deepEqual(whole.collector.status.systemStatus()?.flags, [], "the flag goes down again");
  });

  test("two of the same whole do no harm: no flag, no record taken back, no more records than polls bring", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const script = (poll: number) => city(40, Math.floor(poll / 4));
    const one = await start(log, clock, { script, name: "one" });
    await clock.advance(10_000);
    const two = await start(log, clock, { script: (poll) => script(poll), name: "two" });
    await clock.advance(50 * MINUTE);
    const records = await raw(log);
    assert.deepEqual([...one.lines, ...two.lines], []);
    assert.ok(records.every(({ value }) => value?.toString().includes('"retired"') !== true));
    assert.equal((await held(log)).size, 40);
    assert.ok(records.length < 40 + 2 * 110, `${records.length} records`);
  });

  test("of two that see different stations, the one that sees one keeps it, without an end of records", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    await start(log, clock, { script: (poll) => city(20, poll), name: "sees" });
    await clock.advance(10_000);
    await start(log, clock, { script: (poll) => city(19, poll), name: "misses" });
    await clock.advance(60 * MINUTE);
    assert.equal((await held(log)).get("velib:20"), 3);
    const last = (await raw(log)).filter(({ key }) => key === "velib:20");
    assert.ok(last.length <= 6, `${last.length} records of the station in doubt`);
  });

  test("of two that put stations into different areas, the one started last decides, and both say so", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const one = await start(log, clock, { script: (poll) => city(8, poll), area: "old", name: "one" });
    await clock.advance(2 * MINUTE);
    const two = await start(log, clock, { script: (poll) => city(8, poll), area: "new", name: "two" });
    await clock.advance(20 * MINUTE);
    const areas = new Map<string, string>();
    let switches = 0;
    const inTime = (await raw(log)).toSorted((a, b) => a.timestampMs - b.timestampMs);
    for (const { key, value } of inTime) {
      const text = value?.toString() ?? "";
      const area = /"postcode":"(\w+)"/.exec(text)?.[1];
      if (area === undefined || text.includes('"retired"') || areas.get(key ?? "") === area) continue;
      areas.set(key ?? "", area);
      switches += 1;
    }
    assert.deepEqual(new Set(areas.values()), new Set(["new"]));
    assert.ok(switches <= 8 * 3, `${switches} moves`);
    assert.ok(one.lines.includes("collect.area_contested") || two.lines.includes("collect.area_contested"));
  });

  test("another feed under the same id waits, says why, and starts when the first has stopped", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const north = await start(log, clock, {
      script: (poll) => city(10, poll),
      feedId: "north",
      name: "north",
    });
    await clock.advance(2 * MINUTE);
    const south = await start(log, clock, {
      script: (poll) => city(6, poll, 500),
      feedId: "south",
      name: "south",
    });
    await clock.advance(30 * MINUTE);
    assert.equal((await held(log)).size, 10);
    const status = south.collector.status.systemStatus();
    assert.equal(status?.state, "stopped");
    assert.equal(status?.lastPoll?.outcome, "same_system");
    assert.match(status?.lastPoll?.message ?? "", /north.* from another feed/);
    north.stop.abort();
    await north.done;
    await clock.advance(10 * MINUTE);
    assert.equal(south.collector.status.state, "live");
    await clock.advance(60 * MINUTE);
    assert.deepEqual((await held(log)).size, 6, "what the other left goes like stations that left the feed");
  });

  test("two feeds of one id that start at once: one goes on alone", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const feeds = await Promise.all([
      start(log, clock, { script: (poll) => city(10, poll), feedId: "north", name: "a" }),
      start(log, clock, { script: (poll) => city(6, poll, 500), feedId: "south", name: "b" }),
    ]);
    await clock.advance(10 * MINUTE);
    assert.deepEqual(
      feeds.map(({ collector }) => collector.status.state),
      ["live", "stopped"],
    );
    assert.equal((await held(log)).size, 10);
  });

  test("a simulated feed refuses a topic with real stations; a real one takes simulated ones out first", async () => {
    const clock = new TestClock();
    const log = await topic(clock);
    const real = await start(log, clock, { script: (poll) => city(5, poll) });
    await clock.advance(2 * MINUTE);
    const invented = await start(log, clock, { script: () => city(5, 1, 900), simulated: true });
    await clock.advance(MINUTE);
    await assert.rejects(invented.done, /real stations of system "velib", and this feed is simulated/);
    assert.equal((await held(log)).size, 5);
    real.stop.abort();

    const other = await topic(clock);
    const before = await start(other, clock, { script: (poll) => city(5, poll, 900), simulated: true });
    await clock.advance(2 * MINUTE);
    await start(other, clock, { script: (poll) => city(3, poll) });
    await clock.advance(2 * MINUTE);
    await assert.rejects(before.done, /this feed is simulated/);
    assert.deepEqual([...(await held(other)).keys()].toSorted(), ["velib:1", "velib:2", "velib:3"]);
  });
});

describe("header writer", () => {
  test("reads back what it writes, and takes a stranger's for no name", () => {
    const writer = {
      collector: collectorId("paris 1", 4711, 1_760_000_000_000),
      feed: "5f3a9c1d",
      stations: "16107,32017",
    };
    assert.deepEqual(decodeWriter(encodeWriter(writer)), writer);
    assert.equal(
      writer.collector,
      "paris_1/4711/mgi4z3eo".replace("mgi4z3eo", (1_760_000_000_000).toString(36)),
    );
    assert.equal(startedMsOf(writer.collector), 1_760_000_000_000);
    for (const odd of [undefined, "", "x", "node:velostream"]) assert.equal(decodeWriter(odd).collector, "");
    assert.equal(startedMsOf(""), -Infinity);
  });

  test("names ten codes of a selection at most", () => {
    assert.equal(stationsText(null), "all");
    assert.equal(stationsText(new Set(["2", "1"])), "1,2");
    assert.match(
      stationsText(new Set(Array.from({ length: 40 }, (_, n) => `s${n}`))),
      /^(s\d+,){10}… \(40\)$/,
    );
  });
});
