/** The pipeline in one process: what it prints, how it drains, what it exits with. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommandContext } from "../../src/cli/command.ts";
import { areaRules, pacerRules } from "../../src/stages/collect/system-rules.ts";
import { runSession } from "../../src/cli/session.ts";
import { FeedError } from "../../src/errors.ts";
import { fixedSupply, type SystemSupply } from "../../src/stages/collect/systems.ts";
import type { FeedSource, LogProducer } from "../../src/ports.ts";
import type { Runner } from "../../src/stages/stage.ts";
import { commandContext } from "../support/command-context.ts";
import { silentLogger } from "../support/silent.ts";
import { scriptedFeed, type ScriptedPoll, type ScriptedStation } from "../support/scripted-feed.ts";
import { TestClock } from "../support/test-clock.ts";

const GODARD: ScriptedStation = { id: 213688169, code: "16107", mechanical: 4, electric: 1 };
const BASILIQUE: ScriptedStation = { id: 653222953, code: "32017", mechanical: 5, electric: 4 };
const POLL: ScriptedPoll = { kind: "stations", stations: [GODARD, BASILIQUE] };

function supplyOf(context: CommandContext, source: FeedSource, lossless = false): SystemSupply {
  const pacerFor = pacerRules(context.settings.interval, lossless);
  return fixedSupply([{ source, areasFor: areaRules(null, null), pacerFor }]);
}

async function run(script: readonly ScriptedPoll[], args: readonly string[], lossless = true) {
  const clock = new TestClock();
  const context = commandContext(["--json", "--no-serve", ...args], clock);
  const done = runSession({
    context,
    supply: supplyOf(context, scriptedFeed(clock, script), lossless),
    lossless,
    aggregate: true,
  });
  for (let turn = 0; turn < 30; turn += 1) await clock.advance(1_000);
  return { exitCode: await done, lines: context.terminal.stdout.split("\n").filter((line) => line !== "") };
}

/** A stage that publishes, as collectors do. */
function publishing(run: (producer: LogProducer, stop: AbortSignal) => Promise<void>): Runner {
  let producer: LogProducer | null = null;
  return {
    kind: "runner",
    name: "publishing",
    options: {},
    metrics: {},
    open: async ({ log }) => void (producer = await log.producer()),
    run: async (stop) => run(producer as LogProducer, stop),
    health: () => null,
    drain: () => Promise.resolve(),
    close: async () => producer?.close(),
  };
}

test("prints the totals of the reference stations once, however often they are polled", async () => {
  const { exitCode, lines } = await run([POLL, POLL, POLL, POLL, POLL, POLL, POLL, POLL, POLL, POLL], []);
  assert.equal(exitCode, 0);
  assert.deepEqual(lines.map((line) => line.slice(0, line.indexOf(',"system_id"'))).toSorted(), [
    '{"postcode":"75016","nbr_total":5,"nbr_elec":1,"nbr_meca":4',
    '{"postcode":"93200","nbr_total":9,"nbr_elec":4,"nbr_meca":5',
  ]);
});

test("publishing every poll gives the same totals, not greater ones", async () => {
  const { lines } = await run([POLL, POLL, POLL], ["--publish", "every-poll"]);
  assert.equal(lines.length, 2);
  for (const line of lines) assert.match(line, /"nbr_total":(5|9),/);
});

test("runs for as long as it is told, and ends with 0", async () => {
  const forever = Array.from({ length: 1_000 }, () => POLL);
  const { exitCode, lines } = await run(forever, ["--for", "5s", "--interval", "1s"], false);
  assert.equal(exitCode, 0);
  assert.equal(lines.length, 2);
});

test("ends with 69 when no poll ever succeeded", async () => {
  const failures = Array.from({ length: 1_000 }, () => ({ kind: "failed", outcome: "dns" }) as const);
  const { exitCode, lines } = await run(failures, ["--for", "5s", "--interval", "1s"], false);
  assert.equal(exitCode, 69);
  assert.deepEqual(lines, []);
});

test("a list of systems that may change ends as one system does: with 0 when a poll succeeded", async () => {
  const clock = new TestClock();
  const context = commandContext(["--json", "--no-serve", "--for", "5s", "--interval", "1s"], clock);
  const forever = Array.from({ length: 1_000 }, () => POLL);
  const supply = { ...supplyOf(context, scriptedFeed(clock, forever)), fixed: false };
  const done = runSession({ context, supply, lossless: false, aggregate: true });
  for (let turn = 0; turn < 10; turn += 1) await clock.advance(1_000);
  assert.equal(await done, 0);
});

test("ends with 69 and a word about it when the only poll was still waiting for its answer", async () => {
  const clock = new TestClock();
  const told: string[] = [];
  const context = commandContext(["--json", "--no-serve", "--for", "5s"], clock);
  const logger = { ...silentLogger, warn: (event: string) => told.push(event) };
  const source = scriptedFeed(clock, [], () => new Promise<never>(() => {}));
  const done = runSession({
    context: { ...context, logger },
    supply: supplyOf(context, {
      ...source,
      poll: (signal) =>
        new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
      describe: (signal) =>
        new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason))),
    }),
    lossless: false,
    aggregate: true,
  });
  for (let turn = 0; turn < 10; turn += 1) await clock.advance(1_000);
  assert.equal(await done, 69);
  assert.deepEqual(told, ["feed.no_answer"]);
});

test("drains at the signal: what was polled is on stdout before it ends", async () => {
  const clock = new TestClock();
  const stop = new AbortController();
  const context = commandContext(["--json", "--no-serve", "--interval", "1s"], clock, stop.signal);
  const source = scriptedFeed(clock, [
    POLL,
    { kind: "stations", stations: [{ ...GODARD, electric: 2 }, BASILIQUE] },
  ]);
  const done = runSession({
    context,
    lossless: false,
    aggregate: true,
    supply: supplyOf(context, {
      ...source,
      // The signal comes while the second poll is under way.
      poll: async (signal) => {
        const poll = await source.poll(signal);
        if (source.polls === 2) stop.abort();
        return poll;
      },
    }),
  });
  for (let turn = 0; turn < 10; turn += 1) await clock.advance(1_000);
  assert.equal(await done, 0);
  assert.match(context.terminal.stdout, /"postcode":"75016","nbr_total":6,"nbr_elec":2/);
});

test("rethrows what stopped a stage, after the drain", async () => {
  const clock = new TestClock();
  const context = commandContext(["--json", "--no-serve"], clock);
  const source = scriptedFeed(clock, [], () =>
    Promise.reject(new FeedError("VELOSTREAM_FEED_REFUSED", "Not a URL we fetch. Use https.")),
  );
  const done = runSession({ context, supply: supplyOf(context, source), lossless: false, aggregate: true });
  done.catch(() => {});
  for (let turn = 0; turn < 10; turn += 1) await clock.advance(1_000);
  await assert.rejects(done, /Not a URL we fetch/);
});

test("a worker that nobody watches reads nothing but its partitions, and says how many it holds", async () => {
  const clock = new TestClock();
  const told: string[] = [];
  const context = commandContext(["--for", "5s"], clock);
  const logger = {
    ...silentLogger,
    info: (event: string, message: string) => told.push(`${event} ${message}`),
  };
  const done = runSession({
    context: { ...context, logger },
    supply: null,
    lossless: false,
    aggregate: true,
  });
  for (let turn = 0; turn < 10; turn += 1) await clock.advance(1_000);
  assert.equal(await done, 0);
  const summary = told.filter((line) => line.startsWith("run.summary"));
  assert.equal(summary.length, 1);
  assert.equal(summary[0], "run.summary 4 partitions");
});

test("a worker's line counts what it takes, and one partition is one", async () => {
  const clock = new TestClock();
  const told: string[] = [];
  const context = commandContext(["--for", "70s", "--partitions", "1"], clock);
  const logger = {
    ...silentLogger,
    info: (event: string, message: string) => told.push(`${event} ${message}`),
  };
  const done = runSession({
    context: { ...context, logger },
    supply: null,
    lossless: false,
    aggregate: true,
    source: publishing(async (producer, stop) => {
      for (let second = 0; !stop.aborted; second += 1) {
        await producer.publish(
          Array.from({ length: 12 }, (_, station) => ({
            topic: "velib-projet",
            key: `velib:${station}`,
            partition: 0,
            value: `{"system_id":"velib","station_id":${station},"postcode":"75001","nbr_total":1,"observed_at":${clock.now()}}`,
          })),
        );
        await clock.sleep(1_000, stop);
      }
    }),
  });
  for (let turn = 0; turn < 80; turn += 1) await clock.advance(1_000);
  assert.equal(await done, 0);
  const summary = told.filter((line) => line.startsWith("run.summary"));
  assert.match(summary[0] ?? "", /^run\.summary 1 partition( ·|$)/);
  assert.match(summary[1] ?? "", /^run\.summary 1 partition · 1[12]\.\d records\/s/);
});

test("a process that neither collects nor aggregates claims no rate", async () => {
  const clock = new TestClock();
  const context = commandContext(["--for", "70s"], clock);
  const told: string[] = [];
  const logger = {
    ...silentLogger,
    info: (event: string, message: string) => told.push(`${event} ${message}`),
  };
  const done = runSession({
    context: { ...context, logger },
    supply: null,
    lossless: false,
    aggregate: false,
    archive: "none",
  });
  for (let turn = 0; turn < 80; turn += 1) await clock.advance(1_000);
  assert.equal(await done, 0);
  assert.ok(!told.some((line) => line.includes("records/s")), told.join("\n"));
});

test("a recording that is over at once still ends with a line that says what there was", async () => {
  const clock = new TestClock();
  const told: string[] = [];
  const context = commandContext(["--no-serve"], clock);
  const logger = {
    ...silentLogger,
    info: (event: string, message: string) => told.push(`${event} ${message}`),
  };
  const done = runSession({
    context: { ...context, logger },
    supply: supplyOf(context, scriptedFeed(clock, [POLL]), true),
    lossless: true,
    aggregate: true,
  });
  for (let turn = 0; turn < 30; turn += 1) await clock.advance(1_000);
  assert.equal(await done, 0);
  const summaries = told.filter((line) => line.startsWith("run.summary"));
  assert.match(summaries[0] ?? "", /^run\.summary 2 stations · 2 areas/);
});
