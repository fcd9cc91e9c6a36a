/** Many systems in one process: started, changed and stopped while the others go on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Collection } from "../../src/domain/collection.ts";
import { FeedError, LogError } from "../../src/errors.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { Collector } from "../../src/stages/collect/collector.ts";
import type { CollectorStatus } from "../../src/stages/collect/collector-status.ts";
import { RestoreSnapshot } from "../../src/stages/collect/restore-collection.ts";
import {
  fixedSupply,
  Systems,
  type SystemSpec,
  type SystemSupply,
} from "../../src/stages/collect/systems.ts";
import type { FeedSource, Log, LogRecord } from "../../src/ports.ts";
import { scriptedFeed, SYSTEM, type ScriptedPoll } from "../support/scripted-feed.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { settled, TestClock } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

interface Wanted {
  readonly key: string;
  readonly fingerprint?: string;
  readonly systemId?: string;
  readonly bikes?: number;
  readonly simulated?: boolean;
  /** It says who it is only then, ms after the start. */
  readonly answersAfterMs?: number;
  readonly source?: (clock: TestClock) => FeedSource;
}

function sourceOf(clock: TestClock, wanted: Wanted): FeedSource {
  const { key, systemId = key, bikes = 1, simulated = false, answersAfterMs = 0 } = wanted;
  const station = { id: 1, code: "16107", mechanical: bikes, electric: 0 };
  const script: ScriptedPoll[] = Array.from({ length: 500 }, () => ({
    kind: "stations",
    stations: [station],
  }));
  return scriptedFeed(clock, script, async () => {
    await clock.sleep(answersAfterMs);
    return { ...SYSTEM, systemId, simulated };
  });
}

async function setUp(first: readonly Wanted[], fixed = false) {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  await log.createTopics(
    Object.values(TOPICS).map((topic) => ({
      topic,
      partitions: 2,
      replicationFactor: 1,
      cleanupPolicy: "compact" as const,
    })),
  );
  const opened: string[] = [];
  const closed: string[] = [];
  let list: readonly Wanted[] | Error = first;
  let wake = (): void => undefined;
  const specOf = (wanted: Wanted): SystemSpec => ({
    key: wanted.key,
    label: wanted.key,
    provisional: null,
    fingerprint: wanted.fingerprint ?? "",
    open: () => {
      opened.push(wanted.key);
      const source = wanted.source?.(clock) ?? sourceOf(clock, wanted);
      return {
        source: {
          ...source,
          close: () => {
            closed.push(wanted.key);
            return Promise.resolve();
          },
        },
        areasFor: () => () => ({ area: "here", rule: "system" }),
        pacerFor: () => ({ next: ({ atMs }) => atMs + 10_000, changePeriodMs: null }),
      };
    },
  });
  const supply: SystemSupply = {
    fixed,
    load: () => (list instanceof Error ? Promise.reject(list) : Promise.resolve(list.map(specOf))),
    changed: (signal) =>
      new Promise((resolve) => {
        wake = resolve;
        signal.addEventListener("abort", () => resolve(), { once: true });
      }),
  };
  const statuses: CollectorStatus[] = [];
  const producer = await log.producer();
  const restores = new RestoreSnapshot(log, TOPICS.raw, new AbortController().signal, { now: () => 1e15 });
  const systems = new Systems({
    supply,
    statuses,
    clock,
    logger: silentLogger,
    collectorOf: (system, claim) =>
      new Collector({
        ...system,
        claim,
        restore: (collection, systemId) => restores.restore(collection, systemId),
        log,
        producer,
        topics: TOPICS,
        mode: "changes",
        selection: null,
        lossless: true,
        clock,
        random: () => 0.5,
        logger: silentLogger,
        metrics: countingMetrics(),
      }),
  });
  const stop = new AbortController();
  const done = systems.run(stop.signal);
  done.catch(() => undefined);
  const change = async (next: readonly Wanted[] | Error): Promise<void> => {
    list = next;
    wake();
    await settled();
    await clock.advance(30_000);
  };
  await clock.advance(30_000);
  /** The latest of every key: what a reader of the topic holds. */
  const held = async (): Promise<Record<string, unknown>> => {
    const latest: Record<string, unknown> = {};
    for await (const { records } of log.read({ topics: ["raw"], from: "earliest", until: "end" })) {
      for (const { key, value } of records) {
        if (value === null) delete latest[key ?? ""];
        else latest[key ?? ""] = (JSON.parse(value.toString()) as { nbr_total: number }).nbr_total;
      }
    }
    return latest;
  };
  const states = () => statuses.map(({ system, state }) => [system?.systemId ?? null, state]);
  return { clock, stop, done, change, held, states, statuses, opened, closed };
}

test("collects every system of the list", async () => {
  const { held, states, stop, done } = await setUp([{ key: "a" }, { key: "b", bikes: 7 }]);
  assert.deepEqual(await held(), { "a:1": 1, "b:1": 7 });
  assert.deepEqual(states(), [
    ["a", "live"],
    ["b", "live"],
  ]);
  stop.abort();
  await done;
});

test("a system that is added starts, and the others are left alone", async () => {
  const { change, held, opened, stop, done } = await setUp([{ key: "a" }]);
  await change([{ key: "a" }, { key: "b" }]);
  assert.deepEqual(await held(), { "a:1": 1, "b:1": 1 });
  assert.deepEqual(opened, ["a", "b"]);
  stop.abort();
  await done;
});

test("a system that is removed takes its stations out of the totals; one stopped with the process keeps them", async () => {
  const { change, held, states, closed, stop, done } = await setUp([{ key: "a" }, { key: "b" }]);
  await change([{ key: "b" }]);
  assert.deepEqual(await held(), { "b:1": 1 });
  assert.deepEqual(states(), [["b", "live"]]);
  assert.deepEqual(closed, ["a"]);
  stop.abort();
  await done;
  assert.deepEqual(await held(), { "b:1": 1 });
});

test("a system that is changed goes on from where it was, under its new settings", async () => {
  const { change, held, opened, states, stop, done } = await setUp([{ key: "a" }]);
  await change([{ key: "a", fingerprint: "other", bikes: 9 }]);
  assert.deepEqual(await held(), { "a:1": 9 });
  assert.deepEqual([opened, states()], [["a", "a"], [["a", "live"]]]);
  stop.abort();
  await done;
});

test("a system that is removed and added again is restored from the log as it is then", async () => {
  const { change, held, stop, done } = await setUp([{ key: "a" }, { key: "b" }]);
  await change([{ key: "b" }]);
  await change([{ key: "b" }, { key: "a", bikes: 4 }]);
  assert.deepEqual(await held(), { "a:1": 4, "b:1": 1 });
  stop.abort();
  await done;
});

test("the topic is read once for all that start together, and one that stops meanwhile cuts nobody short", async () => {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  await log.createTopics([{ topic: "raw", partitions: 1, replicationFactor: 1, cleanupPolicy: "compact" }]);
  const record = (systemId: string): string =>
    JSON.stringify({
      system_id: systemId,
      station_id: "1",
      postcode: "x",
      slot: 0,
      nbr_total: 1,
      observed_at: 5,
    });
  const producer = await log.producer();
  await producer.publish(
    ["a", "b"].map((id) => ({ topic: "raw", key: `${id}:1`, value: record(id), partition: 0 })),
  );
  let reads = 0;
  const counting = new Proxy(log, {
    get: (target, name) => {
      if (name === "read") reads += 1;
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
  const snapshot = new RestoreSnapshot(counting, "raw", new AbortController().signal, { now: () => 1e15 });
  const collection = (systemId: string) =>
    new Collection({
      systemId,
      mode: "changes",
      simulated: false,
      resolveArea: () => ({ area: "x", rule: "system" }),
    });
  const counts = await Promise.all(["a", "b", "c"].map((id) => snapshot.restore(collection(id), id)));
  assert.deepEqual([counts, reads], [[1, 1, 0], 1]);
  assert.equal(await snapshot.restore(collection("a"), "a"), 1, "a second time it is read anew");
  assert.equal(reads, 2);
});

test("of a hundred systems on the topic only the wanted one's records are kept", async () => {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  await log.createTopics([{ topic: "raw", partitions: 1, replicationFactor: 1, cleanupPolicy: "compact" }]);
  const producer = await log.producer();
  const value = (systemId: string): string =>
    `{"system_id":"${systemId}","station_id":"1","postcode":"x","slot":0,"nbr_total":1,"observed_at":5}`;
  const ids = Array.from({ length: 100 }, (_, n) => `s${n}`);
  await producer.publish(ids.map((id) => ({ topic: "raw", key: `${id}:1`, value: value(id), partition: 0 })));
  let kept = 0;
  // What is kept is kept by its place; of all others nothing but the key is looked at.
  const watched = (record: LogRecord): LogRecord =>
    new Proxy(record, {
      get: (target, name) => {
        if (name === "partition") kept += 1;
        return Reflect.get(target, name) as unknown;
      },
    });
  const reading: Log["read"] = async function* read(options) {
    for await (const batch of log.read(options)) yield { ...batch, records: batch.records.map(watched) };
  };
  const only = new Proxy(log, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name);
      return name === "read"
        ? reading
        : typeof value === "function"
          ? (value.bind(target) as unknown)
          : value;
    },
  });
  const snapshot = new RestoreSnapshot(only, "raw", new AbortController().signal, clock);
  const collection = new Collection({
    systemId: "s7",
    mode: "changes",
    simulated: false,
    resolveArea: () => ({ area: "x", rule: "system" }),
  });
  assert.equal(await snapshot.restore(collection, "s7"), 1);
  assert.ok(kept > 0 && kept <= 2, `${kept} looks at the place of a record`);
});

test("one that cannot go on stops alone, and says why", async () => {
  const refused = (clock: TestClock) =>
    scriptedFeed(clock, [], () =>
      Promise.reject(new FeedError("VELOSTREAM_FEED_REFUSED", "Not fetched. Use https.")),
    );
  const { held, statuses, stop, done } = await setUp([{ key: "bad", source: refused }, { key: "b" }]);
  assert.deepEqual(await held(), { "b:1": 1 });
  const bad = statuses.find(({ state }) => state === "stopped");
  assert.equal(bad?.failure?.message, "Not fetched. Use https.");
  stop.abort();
  await done;
});

test("two feeds that say they are one system: the second stops, for they would retract each other's stations", async () => {
  const { held, statuses, stop, done } = await setUp([
    { key: "a" },
    { key: "copy", systemId: "a", bikes: 5 },
  ]);
  assert.deepEqual(await held(), { "a:1": 1 });
  const told = statuses.map((status) => status.systemStatus());
  assert.deepEqual(
    told.map((status) => [status?.description.systemId, status?.state]),
    [
      ["a", "live"],
      ["a (copy)", "stopped"],
    ],
  );
  assert.equal(told[1]?.lastPoll?.outcome, "same_system");
  assert.match(told[1]?.lastPoll?.message ?? "", /Two feeds .* "a".*a and copy/);
  stop.abort();
  await done;
});

test("of two feeds of one id the first of the list is collected, though the second answered first", async () => {
  const late = { key: "first", systemId: "a", bikes: 3, answersAfterMs: 12_000 };
  const { held, states, stop, done } = await setUp([late, { key: "second", systemId: "a", bikes: 5 }]);
  assert.deepEqual(await held(), { "a:1": 3 });
  assert.deepEqual(states(), [
    ["a", "live"],
    ["a (second)", "stopped"],
  ]);
  stop.abort();
  await done;
});

test("a real feed is collected before a simulated one, wherever they stand and whoever answered first", async () => {
  const real = { key: "real", systemId: "a", bikes: 3, answersAfterMs: 12_000 };
  const { held, states, stop, done } = await setUp([
    { key: "invented", systemId: "a", bikes: 90, simulated: true },
    real,
  ]);
  assert.deepEqual(await held(), { "a:1": 3 });
  assert.deepEqual(states(), [
    ["a (invented)", "stopped"],
    ["a", "live"],
  ]);
  stop.abort();
  await done;
});

test("once the list is mended the other feed is collected without a restart, and nothing is told of what is gone", async () => {
  for (const mended of [
    [{ key: "copy", systemId: "a", bikes: 5 }],
    [{ key: "copy", systemId: "a", bikes: 5 }, { key: "named apart" }],
  ]) {
    const { change, held, states, stop, done } = await setUp([
      { key: "a" },
      { key: "copy", systemId: "a", bikes: 5 },
    ]);
    await change(mended);
    assert.equal((await held())["a:1"], 5);
    assert.deepEqual(
      states().find(([id]) => id === "a"),
      ["a", "live"],
    );
    assert.equal(states().length, mended.length);
    stop.abort();
    await done;
  }
});

test("a feed that was named apart in the list leaves no ghost behind", async () => {
  const { change, held, states, stop, done } = await setUp([
    { key: "a" },
    { key: "copy", systemId: "a", bikes: 5 },
  ]);
  await change([{ key: "a" }, { key: "b", bikes: 5 }]);
  assert.deepEqual(await held(), { "a:1": 1, "b:1": 5 });
  assert.deepEqual(states(), [
    ["a", "live"],
    ["b", "live"],
  ]);
  stop.abort();
  await done;
});

test("one that stopped for a reason is tried again when the list changes", async () => {
  let asked = 0;
  const mended = (clock: TestClock): FeedSource => {
    asked += 1;
    return asked === 1
      ? scriptedFeed(clock, [], () =>
          Promise.reject(new FeedError("VELOSTREAM_FEED_REFUSED", "Not fetched.")),
        )
      : sourceOf(clock, { key: "bad" });
  };
  const { change, states, stop, done } = await setUp([{ key: "bad", source: mended }]);
  assert.deepEqual(states(), [[null, "stopped"]]);
  await change([{ key: "bad", source: mended }, { key: "b" }]);
  assert.deepEqual(states(), [
    ["bad", "live"],
    ["b", "live"],
  ]);
  stop.abort();
  await done;
});

test("a list that cannot be used any more leaves what runs as it is", async () => {
  const { change, held, stop, done } = await setUp([{ key: "a" }]);
  await change(new FeedError("VELOSTREAM_FEED_UNAVAILABLE", "The list is away. Wait."));
  assert.deepEqual(await held(), { "a:1": 1 });
  await change([{ key: "a" }, { key: "b" }]);
  assert.deepEqual(await held(), { "a:1": 1, "b:1": 1 });
  stop.abort();
  await done;
});

test("what stops the log stops all", async () => {
  const broken = (clock: TestClock) =>
    scriptedFeed(clock, [], () =>
      Promise.reject(new LogError("VELOSTREAM_LOG_REFUSED", "No topic. Make it.")),
    );
  const { done } = await setUp([{ key: "bad", source: broken }, { key: "b" }]);
  await assert.rejects(done, /No topic/);
});

test("a fixed list ends with its systems, and its only one's failure is everyone's", async () => {
  const ended = (clock: TestClock) => scriptedFeed(clock, []);
  const { done } = await setUp(
    [
      { key: "a", source: ended },
      { key: "b", source: ended, systemId: "b" },
    ],
    true,
  );
  await done;
  const refused = (clock: TestClock) =>
    scriptedFeed(clock, [], () => Promise.reject(new FeedError("VELOSTREAM_FEED_REFUSED", "Not fetched.")));
  const alone = await setUp([{ key: "bad", source: refused }], true);
  await assert.rejects(alone.done, /Not fetched/);
});

test("recordings are a fixed list", async () => {
  const supply = fixedSupply([]);
  assert.deepEqual([supply.fixed, await supply.load(new AbortController().signal)], [true, []]);
});
