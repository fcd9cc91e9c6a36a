/** What the archive answers: weighted by time, gaps as gaps, before and after files are made of the journal. */
import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { ArchiveQueries } from "../../../src/history/read/queries.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { TestClock } from "../../support/test-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const START = Date.UTC(2026, 10, 24, 6);

async function archive(context: TestContext) {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const writer = await openWriter(folder, clock);
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  return { folder, clock, writer, log: new ScriptedLog(), queries: new ArchiveQueries(reader, clock) };
}

const range = (fromMs: number, toMs: number, stepMs: number) => ({ fromMs, toMs, stepMs });

describe("history of a station", () => {
  test("is the mean by time, not of the samples, from the journal and from files alike", async (context) => {
    const { clock, writer, log, queries } = await archive(context);
    await writer.append(
      log.batch([{ total: 10, electric: 4, mechanical: 6, docks: 3, observedAtMs: START }]),
    );
    await clock.advance(9 * MINUTE);
    await writer.append(
      log.batch([{ total: 0, electric: 0, mechanical: 0, docks: 13, observedAtMs: START + 9 * MINUTE }]),
    );
    await clock.advance(MINUTE);
    const ask = async () =>
      queries.stationHistory({
        systemId: "velib",
        stationId: "1",
        aggregate: "mean",
        ...range(START, START + 10 * MINUTE, 5 * MINUTE),
      });
    const fromJournal = await ask();
    assert.deepEqual(fromJournal?.total, [10, 8]);
    assert.deepEqual(fromJournal.docks, [3, 5]);
    assert.deepEqual(fromJournal.gaps, []);
    await writer.flush();
    assert.deepEqual(await ask(), fromJournal);
    await writer.close();
    assert.deepEqual(await ask(), fromJournal);
  });

  test("knows min, max and last", async (context) => {
    const { clock, writer, log, queries } = await archive(context);
    for (const [minute, total] of [5, 9, 2, 4].entries())
      await writer.append(log.batch([{ total, observedAtMs: START + minute * MINUTE }]));
    await clock.advance(5 * MINUTE);
    const ask = async (aggregate: "min" | "max" | "last") =>
      queries.stationHistory({
        systemId: "velib",
        stationId: "1",
        aggregate,
        ...range(START, START + 5 * MINUTE, 5 * MINUTE),
      });
    assert.deepEqual((await ask("min"))?.total, [2]);
    assert.deepEqual((await ask("max"))?.total, [9]);
    assert.deepEqual((await ask("last"))?.total, [4]);
    assert.deepEqual((await ask("last"))?.electric, [null]);
    await writer.close();
  });

  test("is null while it was not there, without that being a gap", async (context) => {
    const { clock, writer, log, queries } = await archive(context);
    const other = (minute: number) => ({
      stationId: "2",
      total: minute,
      observedAtMs: START + minute * MINUTE,
    });
    await writer.append(log.batch([{ total: 5, observedAtMs: START }, other(0)]));
    await writer.append(
      log.batch([
        { total: 0, retired: true, observedAtMs: START + 5 * MINUTE },
        { tombstone: "velib:1", atMs: START + 5 * MINUTE },
        other(5),
      ]),
    );
    await writer.append(log.batch([other(10)]));
    await clock.advance(10 * MINUTE);
    const series = await queries.stationHistory({
      systemId: "velib",
      stationId: "1",
      aggregate: "mean",
      ...range(START, START + 10 * MINUTE, 5 * MINUTE),
    });
    assert.deepEqual(series?.total, [5, null]);
    assert.deepEqual(series.gaps, []);
    await writer.close();
  });

  test("was never seen: null; known but silent in the range: an answer", async (context) => {
    const { clock, writer, log, queries } = await archive(context);
    await writer.append(log.batch([{ total: 5, observedAtMs: START }]));
    await clock.advance(MINUTE);
    await writer.flush();
    const ask = async (stationId: string, fromMs: number) =>
      queries.stationHistory({
        systemId: "velib",
        stationId,
        aggregate: "mean",
        ...range(fromMs, fromMs + MINUTE, MINUTE),
      });
    assert.equal(await ask("99", START), null);
    assert.equal((await ask("1", START - 48 * HOUR))?.gaps[0]?.reason, "before_archive");
    await writer.close();
  });
});

describe("gaps", () => {
  test("a silence longer than the system's is a gap: null in it, the same state after it", async (context) => {
    const { clock, writer, log, queries } = await archive(context);
    for (let minute = 0; minute < 10; minute += 1) {
      if (minute > 0) await clock.advance(MINUTE);
      await writer.append(
        log.batch([
          { total: minute, observedAtMs: START + minute * MINUTE },
          { stationId: "2", total: 7, observedAtMs: START + minute * MINUTE },
        ]),
      );
    }
    await clock.advance(41 * MINUTE);
    await writer.append(log.batch([{ total: 3, observedAtMs: START + 50 * MINUTE }]));
    await clock.advance(5 * MINUTE);
    const series = await queries.areaHistory({
      systemId: "velib",
      area: "75016",
      aggregate: "last",
      ...range(START, START + 60 * MINUTE, 10 * MINUTE),
    });
    assert.deepEqual(series?.total, [16, null, null, null, null, 10]);
    assert.deepEqual(series.gaps, [
      { fromMs: START + 9 * MINUTE, toMs: START + 50 * MINUTE, reason: "not_collected" },
    ]);
    await writer.close();
  });

  test("the present goes on while the system may be silent; longer silence is a gap since its last record", async (context) => {
    const { clock, writer, log, queries } = await archive(context);
    for (let minute = 0; minute < 5; minute += 1)
      await writer.append(log.batch([{ total: 5, observedAtMs: START + minute * MINUTE }]));
    const ask = async () =>
      queries.stationHistory({
        systemId: "velib",
        stationId: "1",
        aggregate: "last",
        ...range(START, START + 30 * MINUTE, 10 * MINUTE),
      });
    await clock.advance(12 * MINUTE);
    assert.deepEqual((await ask())?.total, [5, 5, null]);
    assert.deepEqual((await ask())?.gaps, []);
    await clock.advance(18 * MINUTE);
    // What it will be, too, when the system is heard of again.
    assert.deepEqual((await ask())?.total, [5, null, null]);
    assert.deepEqual((await ask())?.gaps, [
      { fromMs: START + 4 * MINUTE, toMs: START + 30 * MINUTE, reason: "not_collected" },
    ]);
    await writer.close();
  });

  test("a memory log's next life does not know the last one's stations", async (context) => {
    const { folder, clock, writer, queries } = await archive(context);
    await writer.close();
    const first = await openWriter(folder, clock, { kind: "memory" });
    await first.append(
      new ScriptedLog().batch([
        { total: 5, observedAtMs: START },
        { stationId: "2", total: 1, observedAtMs: START },
      ]),
    );
    await first.close();
    await clock.advance(5 * MINUTE);
    const second = await openWriter(folder, clock, { kind: "memory" });
    assert.equal(second.positions().size, 0);
    await second.append(new ScriptedLog().batch([{ total: 6, observedAtMs: START + 5 * MINUTE }]));
    await clock.advance(5 * MINUTE);
    const area = await queries.areaHistory({
      systemId: "velib",
      area: "75016",
      aggregate: "last",
      ...range(START, START + 10 * MINUTE, 5 * MINUTE),
    });
    assert.deepEqual(area?.total, [6, 6]);
    assert.deepEqual(area.gaps, [{ fromMs: START, toMs: START + 5 * MINUTE, reason: "not_collected" }]);
    await second.close();
  });
});

test("typical is the median and the 10 to 90 % of the same wall clock in the weeks before, across daylight saving", async (context) => {
  const folder = await temporaryFolder(context);
  // Half past eight in Paris: 06:30 UTC in summer, 07:30 from 25 October 2026 on.
  const instants = [
    Date.UTC(2026, 9, 6, 6, 30),
    Date.UTC(2026, 9, 13, 6, 30),
    Date.UTC(2026, 9, 20, 6, 30),
    Date.UTC(2026, 9, 27, 7, 30),
  ];
  const clock = new TestClock(Date.UTC(2026, 10, 3, 7, 30));
  const writer = await openWriter(folder, clock);
  const log = new ScriptedLog();
  for (const [week, at] of instants.entries())
    for (let minute = -30; minute <= 30; minute += 5)
      await writer.append(
        log.batch([{ total: minute < 0 ? 99 : week * 10, observedAtMs: at + minute * MINUTE }]),
      );
  await writer.flush();
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  const fromMs = Date.UTC(2026, 10, 3, 7, 30);
  const typical = await new ArchiveQueries(reader, clock).areaTypical({
    systemId: "velib",
    area: "75016",
    weeks: 5,
    timezone: "Europe/Paris",
    ...range(fromMs, fromMs + 20 * MINUTE, 10 * MINUTE),
  });
  assert.deepEqual(typical?.weeksFound, [4, 4]);
  assert.deepEqual(typical.total.median, [15, 15]);
  assert.deepEqual(typical.total.p10, [3, 3]);
  assert.deepEqual(
    typical.total.p90.map((value) => Math.round((value ?? 0) * 1e6) / 1e6),
    [27, 27],
  );
  await writer.close();
});

test("every capture answers at its own instant, whatever follows, and nothing is known after the last of a stretch", async (context) => {
  const folder = await temporaryFolder(context);
  const MONTH = 30 * 24 * 60 * MINUTE;
  const start = Date.UTC(2026, 0, 5);
  // Ten a minute apart, some an hour apart, two months, one alone, nine months, three.
  const times = [...Array(10).keys()].map((minute) => minute * MINUTE);
  for (const hours of [1, 2, 3]) times.push(hours * 60 * MINUTE);
  for (const months of [2, 11]) times.push(months * MONTH);
  for (const minute of [1, 2]) times.push(11 * MONTH + minute * MINUTE);
  const clock = new TestClock(start + 11 * MONTH + 24 * 60 * MINUTE);
  const writer = await openWriter(folder, clock, { kind: "import" });
  const log = new ScriptedLog();
  for (const [index, atMs] of times.entries())
    await writer.append(log.batch([{ total: index, observedAtMs: start + atMs }]));
  await writer.close();
  const reader = new ArchiveReader(folder);
  context.after(() => reader.close());
  const queries = new ArchiveQueries(reader, clock);
  const at = async (atMs: number) => {
    const edges = [start + atMs, start + atMs + 1];
    const asked = { systemId: "velib", edges, aggregate: "last" } as const;
    const station = await queries.stationSeries({ ...asked, stationId: "1" });
    const area = await queries.areaSeries({ ...asked, area: "75016" });
    assert.deepEqual(area?.total, station?.total);
    assert.equal(station?.gaps.length, station?.total[0] === null ? 1 : 0);
    return station?.total[0];
  };
  for (const [index, atMs] of times.entries())
    assert.equal(await at(atMs), index, new Date(start + atMs).toISOString());
  // Between two captures of one stretch the value holds; behind the last one of a stretch nobody knows.
  assert.equal(await at(4.5 * MINUTE), 4);
  for (const atMs of [
    3 * 60 * MINUTE + 1,
    MONTH,
    2 * MONTH + 1,
    2 * MONTH + 60 * MINUTE,
    10 * MONTH,
    11 * MONTH - 1,
  ])
    assert.equal(await at(atMs), null, String(atMs));
});
