/** A stretch of history played back through the live aggregate gives bit-identical totals records. */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { areaPartitionKey } from "../../src/domain/partitioning.ts";
import { encodeRetiredRecord, stationKey } from "../../src/domain/raw-record.ts";
import { ArchiveReader } from "../../src/history/archive-reader.ts";
import { playBack } from "../../src/history/playback.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { topicSpecs } from "../../src/log/topics.ts";
import { aggregateProcessor } from "../../src/pipeline/aggregate.ts";
import type { ProduceRecord } from "../../src/ports.ts";
import { openWriter } from "../support/archive.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { TestClock, settled } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const START = Date.UTC(2026, 10, 24, 22);
const POLL_MS = 10 * 60_000;
const AREAS = ["75001", "75002", "75016", "93200"];

/** What a poll publishes of one station: counts, or that it left. */
interface Change {
  readonly station: number;
  readonly total: number;
  readonly electric: number | null;
  readonly leaves: boolean;
}

const change: fc.Arbitrary<Change> = fc.record({
  station: fc.integer({ min: 0, max: 9 }),
  total: fc.integer({ min: 0, max: 5 }),
  electric: fc.option(fc.integer({ min: 0, max: 5 })),
  leaves: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
});
const polls = fc.array(
  // One batch a poll, as a live aggregate takes them. A worker that was behind takes several at
  // once; that such a stretch plays back to the same records is not claimed (docs/history.md, "Replaying").
  fc.record({
    changes: fc.uniqueArray(change, { maxLength: 6, selector: ({ station }) => station }),
    joined: fc.constant<boolean>(false),
  }),
  { minLength: 2, maxLength: 20 },
);

/** The collector never lets a system be silent; a silence is a gap, which plays back as one (docs/history.md). */
const HEARTBEAT: Change = { station: 10, total: 1, electric: null, leaves: false };

test("totals records of a replay are those of the day", { timeout: 170_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(polls, fc.nat(19), async (script, cut) => {
      const folder = await mkdtemp(join(tmpdir(), "velostream-playback-"));
      try {
        await check(folder, script, cut);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: Number(process.env["VELOSTREAM_TEST_RUNS"] ?? 10) },
  );
});

async function check(
  folder: string,
  script: readonly { readonly changes: readonly Change[]; readonly joined: boolean }[],
  cut: number,
): Promise<void> {
  const clock = new TestClock(START);
  const live = await pipeline(clock);
  const present = new Set<number>();
  let waiting: ProduceRecord[] = [];
  for (const [index, { changes, joined }] of script.entries()) {
    const atMs = START + index * POLL_MS;
    for (const one of [HEARTBEAT, ...changes]) waiting.push(...recordsOf(one, atMs, present));
    if (joined) continue;
    await live.publish(waiting);
    waiting = [];
  }
  await live.publish(waiting);
  const endMs = START + script.length * POLL_MS;

  const writer = await openWriter(folder, clock, { topics: TOPICS });
  let batches = 0;
  for await (const { records } of live.log.read({
    topics: [TOPICS.raw, TOPICS.totals],
    from: "earliest",
    until: "end",
  })) {
    // Several frames, a flush in between.
    // As they come while things happen: by time. (Records of one partition keep their order.)
    const inTime = records.toSorted((a, b) => a.timestampMs - b.timestampMs);
    for (let at = 0; at < inTime.length; at += 7) await writer.append(inTime.slice(at, at + 7));
    batches += 1;
    if (batches % 2 === 1) await writer.flush();
  }
  await clock.advance(script.length * POLL_MS + 26 * 3_600_000);
  await writer.tend();
  await writer.close();

  const recorded = await live.totals();
  // Without a single totals record nobody can tell where the batches were.
  fc.pre(recorded.length > 0);
  const reader = await ArchiveReader.open(folder);
  try {
    assert.deepEqual(await replayed(reader, START - 1, endMs), recorded);
    // From the middle: first what was, then the same records.
    let from = Math.min(cut, script.length - 1);
    // Not from within a batch: its first half is then what was, and its totals are those of the second half alone.
    while (from > 0 && script[from - 1]?.joined === true) from -= 1;
    const fromMs = START + from * POLL_MS;
    const later = recorded.filter(({ atMs }) => atMs >= fromMs);
    const all = await replayed(reader, fromMs, endMs);
    assert.deepEqual(
      all.filter(({ atMs }) => atMs >= fromMs),
      later,
    );
  } finally {
    reader.close();
  }
  await live.close();

  async function replayed(reader: ArchiveReader, fromMs: number, toMs: number): Promise<readonly Total[]> {
    const again = await pipeline(clock);
    const played = playBack({ reader, system: "velib", fromMs, toMs, rawTopic: TOPICS.raw, clock });
    for await (const { records } of played) await again.publish(records);
    const totals = await again.totals();
    await again.close();
    return totals;
  }
}

interface Total {
  readonly key: string;
  readonly value: string | null;
  readonly atMs: number;
}

function byKey(a: Total, b: Total): number {
  return a.key.localeCompare(b.key) || a.atMs - b.atMs;
}

/** A memory log of three partitions with an aggregate on it. */
async function pipeline(clock: TestClock) {
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(TOPICS, { partitions: 3, replicationFactor: 1 }));
  const worker = await log.process(
    { topic: TOPICS.raw, group: "test" },
    aggregateProcessor({
      topics: TOPICS,
      readReference: () => null,
      partitionCount: 3,
      publishedAreas: () => Promise.resolve(new Set()),
      clock,
      logger: silentLogger,
      metrics: countingMetrics(),
    }),
  );
  const producer = await log.producer();
  return {
    log,
    publish: async (records: readonly ProduceRecord[]) => {
      await producer.publish(records);
      do await settled();
      while (worker.progress().some(({ lagRecords }) => lagRecords > 0));
    },
    /** Every totals record, in order within each area. */
    totals: async (): Promise<readonly Total[]> => {
      const totals: Total[] = [];
      for await (const { records } of log.read({ topics: [TOPICS.totals], from: "earliest", until: "end" }))
        for (const { key, value, timestampMs } of records)
          totals.push({ key: key ?? "", value: value?.toString() ?? null, atMs: timestampMs });
      return totals.toSorted(byKey);
    },
    close: async () => {
      await worker.stop();
      await log.close();
    },
  };
}

function recordsOf(change: Change, atMs: number, present: Set<number>): readonly ProduceRecord[] {
  const stationId = String(change.station);
  const area = AREAS[change.station % AREAS.length] ?? "";
  const place = {
    topic: TOPICS.raw,
    key: stationKey("velib", stationId),
    partitionKey: areaPartitionKey("velib", area),
    timestampMs: atMs,
  };
  const common = {
    systemId: "velib",
    stationId,
    area,
    slot: change.station,
    observedAtMs: atMs,
    simulated: false,
  };
  if (change.leaves) {
    if (!present.delete(change.station)) return [];
    return [
      { ...place, value: encodeRetiredRecord(common) },
      { ...place, value: null },
    ];
  }
  present.add(change.station);
  const value = {
    station_id: stationId,
    is_renting: 1,
    last_reported: Math.floor(atMs / 1000),
    system_id: "velib",
    postcode: area,
    slot: change.station,
    nbr_total: change.total,
    nbr_elec: change.electric,
    nbr_meca: null,
    nbr_docks: 3,
    observed_at: atMs,
  };
  return [{ ...place, value: JSON.stringify(value) }];
}
