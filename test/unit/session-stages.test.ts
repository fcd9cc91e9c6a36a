/** A session of stages: opened in order, closed in reverse, also when one of them cannot open or fails at work. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { createServer } from "node:net";
import { test, type TestContext } from "node:test";
import { type AppError, ConfigError, LogError } from "../../src/errors.ts";
import { historyFolder } from "../../src/history/files/layout.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { topicSpecs } from "../../src/log/topics.ts";
import { pipelineStages } from "../../src/session/pipeline.ts";
import { runStages } from "../../src/session/run-stages.ts";
import { Session } from "../../src/session/session.ts";
import { openFeeds } from "../../src/stages/collect/open-feeds.ts";
import type { Runner, Sink, Stage } from "../../src/stages/stage.ts";
import { startSimulator } from "../../src/simulate/simulator.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";
import { activeResources, leftOf } from "../support/active-resources.ts";
import { openWriter, temporaryFolder } from "../support/archive.ts";
import { commandContext } from "../support/command-context.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { TestClock } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

/** A stage that notes what is asked of it. */
function noting(name: string, notes: string[], own: Partial<Runner> = {}): Runner {
  const note = (what: string): Promise<void> => Promise.resolve(void notes.push(`${name} ${what}`));
  return {
    kind: "runner",
    name,
    options: {},
    metrics: {},
    open: async () => note("opens"),
    health: () => null,
    drain: async () => note("drains"),
    close: async () => note("closes"),
    ...own,
  };
}

function notingSink(name: string, notes: string[], own: Partial<Sink> = {}): Sink {
  return {
    ...noting(name, notes),
    kind: "sink",
    reads: ["raw"],
    positions: () => new Map(),
    take: ({ records }) => records.length,
    tend: () => Promise.resolve(),
    ...own,
  };
}

async function sessionOf(stages: readonly Stage[], signal = new AbortController().signal) {
  const clock = new TestClock();
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(TOPICS, { partitions: 2, replicationFactor: 1 }));
  const session = new Session(stages, {
    log,
    topics: TOPICS,
    clock,
    logger: silentLogger,
    metrics: countingMetrics(),
    signal,
  });
  return { session, log, clock };
}

test("stages open in order, and drain and close when all that runs is done", async () => {
  const notes: string[] = [];
  const work = noting("b", notes, { run: async () => void notes.push("b runs") });
  const { session } = await sessionOf([noting("a", notes), work, noting("c", notes)]);
  await session.open();
  await session.run();
  assert.deepEqual(notes, [
    "a opens",
    "b opens",
    "c opens",
    "b runs",
    "a drains",
    "b drains",
    "c drains",
    "c closes",
    "b closes",
    "a closes",
  ]);
});

test("one that cannot open closes those before it, in reverse, and none that was not opened", async () => {
  const notes: string[] = [];
  const refused = noting("c", notes, { open: () => Promise.reject(new ConfigError("No. Choose another.")) });
  const all = [noting("a", notes), noting("b", notes), refused, noting("d", notes)];
  const outer = new AbortController();
  const { session } = await sessionOf(all, outer.signal);
  await assert.rejects(session.open(), /No\. Choose another/);
  assert.deepEqual(notes, ["a opens", "b opens", "b closes", "a closes"]);
  assert.equal(getEventListeners(outer.signal, "abort").length, 0, "whoever ends it holds it no longer");
});

test("one that fails at work ends the others, which drain, and its error is the session's", async () => {
  const notes: string[] = [];
  const fails = noting("b", notes, {
    run: () => Promise.reject(new LogError("VELOSTREAM_LOG_REFUSED", "Gone.")),
  });
  const waits = noting("a", notes, {
    run: (stop) =>
      new Promise((resolve) => {
        stop.addEventListener("abort", () => {
          notes.push("a stops");
          resolve();
        });
      }),
  });
  const { session } = await sessionOf([waits, fails]);
  await session.open();
  await assert.rejects(session.run(), /Gone/);
  assert.deepEqual(notes.slice(2), ["a stops", "a drains", "b drains", "b closes", "a closes"]);
});

test("one that cannot be closed or drained keeps nobody from being closed", async () => {
  const notes: string[] = [];
  const broken = noting("b", notes, {
    drain: () => Promise.reject(new Error("stuck")),
    close: () => Promise.reject(new Error("jammed")),
  });
  const { session } = await sessionOf([noting("a", notes), broken, noting("c", notes)]);
  await session.open();
  session.end();
  await assert.rejects(session.run(), /stuck/);
  assert.deepEqual(notes.slice(3), ["a drains", "c drains", "c closes", "a closes"]);
});

test("a drain that does not end is waited for a while only, and told so by its signal", async () => {
  const notes: string[] = [];
  const slow = noting("a", notes, {
    drain: (signal) => new Promise((resolve) => signal.addEventListener("abort", () => resolve())),
  });
  const { session, clock } = await sessionOf([slow]);
  await session.open();
  session.end();
  const ended = session.run();
  await clock.advance(4_900);
  assert.deepEqual(notes, ["a opens"]);
  await clock.advance(200);
  await ended;
  assert.deepEqual(notes, ["a opens", "a closes"]);
});

test("a sink is given what was published before the end, and one whose topics cannot be read may be left out", async () => {
  const taken: string[] = [];
  const told: string[] = [];
  const reads = notingSink("reads", [], {
    take: ({ records }) => {
      taken.push(...records.map(({ key }) => key ?? ""));
      return records.length;
    },
  });
  const refusing = notingSink("refusing", [], {
    reads: ["totals"],
    take: () => {
      throw new LogError("VELOSTREAM_LOG_REFUSED", "Not allowed.");
    },
    unreadable: ({ message }: AppError) => told.push(message),
  });
  const publishes = noting("publishes", [], {
    open: async ({ log }) => {
      const producer = await log.producer();
      publishes.run = async () =>
        producer.publish([
          { topic: "raw", key: "velib:1", value: "{}", partition: 1 },
          { topic: "totals", key: "75001", value: "{}", partition: 0 },
        ]);
    },
  }) as { -readonly [Key in keyof Runner]: Runner[Key] };
  publishes.run = () => Promise.resolve();
  const { session } = await sessionOf([reads, refusing, publishes]);
  await session.open();
  await session.run();
  assert.deepEqual(taken, ["velib:1"]);
  assert.deepEqual(told, ["Not allowed."]);
});

/** All the stages that a pipeline can have in one process. */
async function wholePipeline(context: TestContext, feed: string, failAt: number | null) {
  const dataDir = await temporaryFolder(context);
  const args = ["--feed", feed, "--port", "0", "--data-dir", dataDir, "--mqtt", "mqtt://127.0.0.1:9"];
  const { settings, origins } = commandContext(args, systemClock);
  const given = { settings, origins, logger: silentLogger, clock: systemClock };
  const metrics = createMetrics({ process: false });
  const supply = openFeeds(given);
  const { stages } = pipelineStages({
    ...given,
    metrics,
    supply,
    lossless: false,
    aggregate: true,
    serve: true,
    archive: "required",
    json: null,
    screen: null,
    onListening: () => {},
  });
  const failing = noting("failing", [], {
    open: () => Promise.reject(new ConfigError("It cannot open. Mend it.")),
  });
  const stop = new AbortController();
  const opened = Promise.withResolvers<void>();
  const running = runStages({
    ...given,
    metrics,
    stages: failAt === null ? stages : stages.toSpliced(failAt, 0, failing),
    signal: stop.signal,
    onOpen: opened.resolve,
  });
  const done = (async (): Promise<void> => {
    try {
      await running;
    } finally {
      await supply.close();
    }
  })();
  done.catch(() => {});
  return { dataDir, stages, done, opened: opened.promise, stop, signal: stop.signal };
}

test("a pipeline that cannot open one of its stages, whichever it is, leaves no handle, lock or timer", async (context) => {
  const simulator = await startSimulator({ clock: systemClock, seed: 1, changePeriodMs: 60_000 });
  context.after(async () => simulator.stop());
  const before = activeResources();
  for (let failAt = 0, count = 1; failAt <= count; failAt += 1) {
    const { dataDir, stages, done, signal } = await wholePipeline(context, simulator.url, failAt);
    count = stages.length;
    assert.ok(count >= 7, "all kinds of stages are there");
    await assert.rejects(done, /It cannot open/);
    assert.deepEqual(await leftOf(before), before, `after ${stages[failAt - 1]?.name ?? "nothing"}`);
    assert.equal(getEventListeners(signal, "abort").length, 0);
    await (await openWriter(historyFolder(dataDir), new TestClock())).close();
  }
});

test("two whole pipelines beside each other open, work and close; a third that fails half-way does them no harm", async (context) => {
  const simulator = await startSimulator({ clock: systemClock, seed: 1, changePeriodMs: 60_000 });
  context.after(async () => simulator.stop());
  const before = activeResources();
  const running = [
    await wholePipeline(context, simulator.url, null),
    await wholePipeline(context, simulator.url, null),
  ];
  await Promise.all(running.map(({ opened }) => opened));
  const third = await wholePipeline(context, simulator.url, 4);
  await assert.rejects(third.done, /It cannot open/);
  for (const { stages, stop, done } of running) {
    for (let turn = 0; stages.find(({ name }) => name === "collect")?.health()?.ok !== true; turn += 1) {
      assert.ok(turn < 1_000, "nothing was collected");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    stop.abort();
    await done;
  }
  const after = await leftOf(before);
  const lasting = (names: readonly string[]): readonly string[] =>
    names.filter((name) => name === "Timeout" || name === "TCPServerWrap" || name === "TCPSocketWrap");
  // The simulator keeps connections to its clients for a while.
  assert.ok(lasting(after).length <= lasting(before).length + 2, `${before.join()} → ${after.join()}`);
  assert.ok(!after.includes("Timeout") || before.includes("Timeout"), after.join());
  for (const { dataDir } of running)
    await (await openWriter(historyFolder(dataDir), new TestClock())).close();
});

test("a port that is taken is the pipeline's error, and what was open before it is closed", async (context) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  context.after(() => taken.close());
  const { port } = taken.address() as { port: number };
  const before = activeResources();
  const { settings, origins } = commandContext(["--metrics-port", String(port)], systemClock);
  const notes: string[] = [];
  const given = { settings, origins, logger: silentLogger, clock: systemClock };
  const running = runStages({
    ...given,
    metrics: createMetrics({ process: false }),
    stages: [noting("a", notes)],
    signal: new AbortController().signal,
  });
  await assert.rejects(running, /--metrics-port/);
  assert.deepEqual(notes, []);
  assert.deepEqual(await leftOf(before), before);
});
