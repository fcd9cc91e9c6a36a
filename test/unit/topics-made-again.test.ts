/** What readers make of a topic that was made again under its name: what was read of it before counts no more. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveView } from "../../src/domain/live-view.ts";
import { Collection } from "../../src/domain/collection.ts";
import { ArchiveStage } from "../../src/stages/archive/archive.ts";
import { ViewStage } from "../../src/stages/view/view.ts";
import { runSink } from "../support/run-sink.ts";
import type { Log, ReadBatch, ReadOptions } from "../../src/ports.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../support/archive.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { TestClock } from "../support/test-clock.ts";

const START = Date.UTC(2026, 10, 24, 6);
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

/** A log whose every read gives the next script, and ends. */
function scriptedLog(...scripts: (readonly ReadBatch[])[]) {
  const reads: ReadOptions[] = [];
  const read = async function* (options: ReadOptions): AsyncGenerator<ReadBatch> {
    reads.push(options);
    yield* await Promise.resolve(scripts[reads.length - 1] ?? []);
  };
  return { log: { kind: "kafka", read } as unknown as Log, reads };
}

function context(log: Log, clock: TestClock) {
  return { log, topics: TOPICS, clock, logger: silentLogger, metrics: countingMetrics() };
}

test("the live view drops what only the old topic had, once the new one is read to its end", async () => {
  const before = new ScriptedLog().batch([
    { stationId: "1", area: "75001", total: 5, observedAtMs: START },
    { stationId: "2", area: "75002", total: 6, observedAtMs: START },
  ]);
  const now = new ScriptedLog().batch([{ stationId: "1", area: "75001", total: 7, observedAtMs: START + 1 }]);
  const raw = (records: ReadBatch["records"]) => records.filter(({ topic }) => topic === "raw");
  const { log } = scriptedLog(
    [
      { records: before, caughtUp: true },
      { records: [], caughtUp: false, replaced: ["raw"] },
    ],
    [
      { records: raw(now), caughtUp: false },
      { records: [], caughtUp: true },
    ],
  );
  const view = new LiveView();
  const follower = new ViewStage(view);
  const told: string[] = [];
  follower.subscribe(({ stations, stationsRemoved }) =>
    told.push(
      [
        ...stations.map(({ station }) => `${station.place.key} ${station.total}`),
        ...stationsRemoved.map(({ place }) => `${place.key} gone`),
      ].join(", "),
    ),
  );
  await runSink(follower, context(log, new TestClock(START)), new AbortController().signal);
  assert.deepEqual(
    [...view.stations()].map(({ total }) => total),
    [7],
  );
  assert.deepEqual(told, ["velib:1 5, velib:2 6", "velib:1 7, velib:2 gone"]);
});

test("a collector publishes every station anew after its topic was made again", () => {
  const collection = new Collection({
    systemId: "velib",
    mode: "changes",
    simulated: false,
    resolveArea: () => ({ area: "75001", rule: "station_code" }),
  });
  const observed = (observedAtMs: number) => ({
    observedAtMs,
    stations: ["1", "2"].map((stationId) => ({
      stationId,
      stationCode: null,
      total: 5,
      electric: null,
      mechanical: null,
      docks: null,
      source: { station_id: stationId },
    })),
    unreadable: new Set<string>(),
    unobserved: [],
    unwanted: new Set<string>(),
    information: new Map(),
    partitionCount: 1,
  });
  const first = collection.plan(observed(START) as never);
  collection.acknowledge(first);
  const quiet = collection.plan(observed(START + 60_000) as never);
  collection.acknowledge(quiet);
  collection.forget();
  const again = collection.plan(observed(START + 120_000) as never);
  assert.equal(first.published, 2);
  assert.equal(again.published, 2);
  assert.equal(again.retired, 0);
});

test("an archive goes on in a new epoch, from the start of both topics, and names the ids it has read", async (t) => {
  const folder = await temporaryFolder(t);
  const clock = new TestClock(START);
  const topicIds = new Map([
    ["raw", "one"],
    ["totals", "t"],
  ]);
  const newIds = new Map([
    ["raw", "two"],
    ["totals", "t"],
  ]);
  const old = new ScriptedLog().batch([{ stationId: "1", total: 5, observedAtMs: START }]);
  const next = new ScriptedLog().batch([{ stationId: "1", total: 7, observedAtMs: START + 60_000 }]);
  const { log, reads } = scriptedLog(
    [
      { records: old, caughtUp: true, topicIds },
      { records: [], caughtUp: false, replaced: ["raw"], topicIds: newIds },
    ],
    [{ records: next, caughtUp: true, topicIds: newIds }],
    [],
  );
  const stage = async () => {
    const archive = await openWriter(folder, clock);
    const sink = new ArchiveStage({ required: true, openArchive: () => Promise.resolve(archive) });
    await runSink(sink, context(log, clock), new AbortController().signal);
  };
  await stage();
  await stage();
  const [first, second, third] = reads;
  assert.equal(first?.from, "earliest");
  assert.equal(second?.from, "earliest");
  assert.equal(second.topicIds?.get("raw"), undefined);
  assert.deepEqual(
    third?.from,
    new Map([
      ["raw:0", 1],
      ["totals:0", 1],
    ]),
  );
  assert.deepEqual(third?.topicIds, newIds);
});
