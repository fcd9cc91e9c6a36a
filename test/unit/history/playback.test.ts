/** What is played back where the archive changes from one log's life to the next, and where it holds no totals. */
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { playBack } from "../../../src/history/playback/playback.ts";
import { aggregateProcessor } from "../../../src/stages/aggregate/totals-processor.ts";
import type { LogRecord } from "../../../src/ports.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { countingMetrics, silentLogger } from "../../support/silent.ts";
import { TestClock } from "../../support/test-clock.ts";

const MINUTE = 60_000;
const START = Date.UTC(2026, 10, 24, 6);

/** Minute, area, bikes and stations of every totals record that an aggregate publishes of what is played. */
async function replayed(
  context: TestContext,
  folder: string,
  clock: TestClock,
): Promise<readonly (readonly [minute: number, area: string, bikes: number | null])[]> {
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  const processor = aggregateProcessor({
    writer: { engine: "node", group: "test", sinceMs: 0 },
    topics: { raw: "raw", totals: "totals", rejects: "rejects" },
    readReference: () => null,
    partitionCount: 1,
    publishedAreas: () => Promise.resolve(new Map()),
    clock,
    logger: silentLogger,
    metrics: countingMetrics(),
  });
  const none = (async function* (): AsyncGenerator<readonly LogRecord[]> {})();
  await processor.restore(0, none, { committedOffset: 0, endOffset: 0 });
  const totals: (readonly [number, string, number | null])[] = [];
  let offset = 0;
  const played = playBack({
    reader,
    system: "velib",
    fromMs: START - MINUTE,
    toMs: clock.now(),
    rawTopic: "raw",
    clock,
  });
  for await (const { records } of played) {
    const batch = records.map((record) => ({
      topic: "raw",
      partition: 0,
      offset: offset++,
      key: record.key,
      value: record.value === null ? null : Buffer.from(record.value),
      headers: record.headers ?? {},
      timestampMs: record.timestampMs ?? 0,
    }));
    for (const { key, value, timestampMs } of processor.process(0, batch) ?? []) {
      const bikes = value === null ? null : (JSON.parse(value.toString()) as { nbr_total: number }).nbr_total;
      totals.push([((timestampMs ?? 0) - START) / MINUTE, key ?? "", bikes]);
    }
  }
  return totals;
}

test("another life of the log begins with its own stations, in the totals that it published", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const first = await openWriter(folder, clock, { kind: "memory" });
  const before = new ScriptedLog();
  await first.append(
    before.batch([
      { stationId: "1", area: "75001", total: 1, observedAtMs: START },
      { stationId: "2", area: "75001", total: 2, observedAtMs: START },
      { stationId: "3", area: "75002", total: 3, observedAtMs: START },
    ]),
  );
  await first.append(
    before.batch([{ stationId: "1", area: "75001", total: 4, observedAtMs: START + MINUTE }]),
  );
  await first.close();
  await clock.advance(3 * MINUTE);
  const second = await openWriter(folder, clock, { kind: "memory" });
  const log = new ScriptedLog();
  // The first poll in two pieces: what was published in between is half of it.
  await second.append(
    log.batch([{ stationId: "1", area: "75001", total: 5, observedAtMs: START + 3 * MINUTE }]),
  );
  await second.append(
    log.batch([{ stationId: "4", area: "75001", total: 6, observedAtMs: START + 3 * MINUTE }]),
  );
  await second.append(
    log.batch([{ stationId: "4", area: "75001", total: 7, observedAtMs: START + 4 * MINUTE }]),
  );
  await second.close();
  await clock.advance(5 * MINUTE);
  assert.deepEqual(await replayed(context, folder, clock), [
    [0, "75001", 3],
    [0, "75002", 3],
    [1, "75001", 6],
    // Nobody speaks of 75002 any more.
    [3, "75002", null],
    [3, "75001", 5],
    [3, "75001", 11],
    [4, "75001", 12],
  ]);
});

test("without totals in the archive each poll is published", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const writer = await openWriter(folder, clock);
  const log = new ScriptedLog();
  const raw = [0, 1, 2].flatMap((minute) =>
    log
      .batch([{ stationId: "1", total: 1 + minute, observedAtMs: START + minute * MINUTE }])
      .filter(({ topic }) => topic === "raw"),
  );
  await writer.append(raw);
  await writer.close();
  await clock.advance(10 * MINUTE);
  assert.deepEqual(await replayed(context, folder, clock), [
    [0, "75016", 1],
    [1, "75016", 2],
    [2, "75016", 3],
  ]);
});

test("a clock that was set back by more than an hour is played in the order of the log", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START + 300 * MINUTE);
  const log = new ScriptedLog();
  const writer = await openWriter(folder, clock);
  const at = async (minute: number, area: string, total: number): Promise<void> => {
    await writer.append(log.batch([{ stationId: area, area, total, observedAtMs: START + minute * MINUTE }]));
  };
  // Nobody is heard of for three hours, then the clock is found to be four hours ahead.
  await at(0, "75001", 1);
  await at(5, "75002", 2);
  await at(250, "75003", 3);
  await at(255, "75004", 4);
  await writer.flush();
  await at(15, "75005", 5);
  await at(20, "75006", 6);
  for (let minute = 30; minute <= 300; minute += 30) await at(minute, "75007", minute);
  await clock.advance(10 * MINUTE);
  await writer.close();
  assert.deepEqual(await replayed(context, folder, clock), [
    [0, "75001", 1],
    [5, "75002", 2],
    [250, "75003", 3],
    [255, "75004", 4],
    [15, "75005", 5],
    [20, "75006", 6],
    ...Array.from({ length: 10 }, (_, index) => [30 + 30 * index, "75007", 30 + 30 * index] as const),
  ]);
});
