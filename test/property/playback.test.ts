/**
 * A stretch of history played back through the live aggregate gives bit-identical totals records: whatever the live
 * aggregate took as one batch (several polls, a part of one, a backlog after it was down), and however the log of the
 * replay cuts, spreads over partitions and interrupts what is played.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { areaPartitionKey } from "../../src/record/partitioning.ts";
import { encodeRetiredRecord } from "../../src/record/raw-record.ts";
import { ArchiveReader } from "../../src/history/read/archive-reader.ts";
import { playBack } from "../../src/history/playback/playback.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { topicSpecs } from "../../src/log/topics.ts";
import { aggregateProcessor } from "../../src/stages/aggregate/totals-processor.ts";
import type { LogRecord, ProcessHandle, ProduceRecord } from "../../src/ports.ts";
import { openWriter } from "../support/archive.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { TestClock, settled } from "../support/test-clock.ts";
import { stationKey } from "../../src/record/keys.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const START = Date.UTC(2026, 10, 24, 22);
const POLL_MS = 10 * 60_000;
const AREAS = ["75001", "75002", "75016", "93200"];

/** What a poll sees of one station: counts in an area, or that it left. */
interface Change {
  readonly station: number;
  readonly area: number;
  readonly total: number;
  readonly electric: number | null;
  readonly leaves: boolean;
}

interface ScriptedPoll {
  readonly changes: readonly Change[];
  /** How the live log gets it: in one piece with the next poll, whole, or in pieces of so many records. */
  readonly pieces: "joined" | "whole" | number;
  /** The aggregate is down. */
  readonly away: boolean;
  /** The clock is behind by this. */
  readonly lateMs: number;
}

interface Replay {
  readonly partitions: number;
  /** Records a publish: the log cuts as it likes. */
  readonly pieces: number;
  /** Publishes after which the aggregate is killed and another goes on. */
  readonly killedAfter: number;
}

const change: fc.Arbitrary<Change> = fc.record({
  station: fc.integer({ min: 0, max: 9 }),
  area: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
  total: fc.integer({ min: 0, max: 5 }),
  electric: fc.option(fc.integer({ min: 0, max: 5 })),
  leaves: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
});
const polls: fc.Arbitrary<readonly ScriptedPoll[]> = fc.array(
  fc.record({
    changes: fc.uniqueArray(change, { maxLength: 6, selector: ({ station }) => station }),
    pieces: fc.constantFrom<ScriptedPoll["pieces"]>("joined", "joined", "whole", "whole", 1, 2),
    away: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    lateMs: fc.constantFrom(0, 0, 0, 1, 15 * 60_000),
  }),
  { minLength: 2, maxLength: 20 },
);
const replays: fc.Arbitrary<Replay> = fc.record({
  partitions: fc.constantFrom(1, 2, 3, 5),
  pieces: fc.integer({ min: 1, max: 40 }),
  killedAfter: fc.constantFrom(2, 5, Infinity),
});
/** In what order the archive reads the topics' partitions. */
const order = fc.constantFrom<Order>("as they come", "by partition", "by time");
type Order = "as they come" | "by partition" | "by time";

/** Once found: an area that came and went within one batch was never published, and must not be when played back. */
const CAME_AND_WENT: readonly ScriptedPoll[] = [
  {
    changes: [{ station: 1, area: 0, total: 3, electric: 1, leaves: false }],
    pieces: "whole",
    away: false,
    lateMs: 0,
  },
  {
    changes: [{ station: 0, area: 0, total: 2, electric: null, leaves: false }],
    pieces: "joined",
    away: false,
    lateMs: 0,
  },
  {
    changes: [{ station: 0, area: 0, total: 2, electric: null, leaves: true }],
    pieces: "whole",
    away: false,
    lateMs: 0,
  },
];
const ONE_BY_ONE: Replay = { partitions: 1, pieces: 1, killedAfter: Infinity };

test(
  "totals records of a replay are those of the day, however either log was cut",
  {
    timeout: 170_000,
  },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        polls,
        order,
        fc.nat(19),
        fc.nat(19),
        replays,
        async (script, read, from, to, replay) => {
          const folder = await mkdtemp(join(tmpdir(), "velostream-playback-"));
          try {
            await check(folder, script, read, [Math.min(from, to), Math.max(from, to) + 1], replay);
          } finally {
            await rm(folder, { recursive: true, force: true });
          }
        },
      ),
      {
        numRuns: Number(process.env["VELO_TEST_RUNS"] ?? 15),
        examples: [[CAME_AND_WENT, "as they come", 0, 19, ONE_BY_ONE]],
      },
    );
  },
);

async function check(
  folder: string,
  script: readonly ScriptedPoll[],
  read: Order,
  [fromPoll, toPoll]: readonly [number, number],
  replay: Replay,
): Promise<void> {
  const clock = new TestClock(START);
  const live = await pipeline(clock, 3);
  const system = new ScriptedSystem();
  let waiting: ProduceRecord[] = [];
  for (const [index, { changes, pieces, away, lateMs }] of script.entries()) {
    waiting.push(...system.poll(changes, START + index * POLL_MS - lateMs));
    if (pieces === "joined") continue;
    if (away) await live.kill();
    await live.publish(waiting.splice(0), pieces === "whole" ? Infinity : pieces);
    if (!away) await live.restart();
  }
  await live.publish(waiting, Infinity);
  await live.restart();
  const writer = await openWriter(folder, clock, { topics: TOPICS });
  const records = await live.records([TOPICS.raw, TOPICS.totals]);
  // Several frames, flushes in between.
  for (const [index, frame] of framesOf(records, read).entries()) {
    await writer.append(frame);
    if (index % 3 === 1) await writer.flush();
  }
  await clock.advance(script.length * POLL_MS + 26 * 3_600_000);
  await writer.tend();
  await writer.close();

  const recorded = await live.totals();
  await live.close();
  const reader = new ArchiveReader(folder);
  try {
    for (const [fromMs, toMs] of [
      [START - 3_600_000, START + script.length * POLL_MS],
      [START + fromPoll * POLL_MS, START + toPoll * POLL_MS],
    ] as const) {
      const own = ({ atMs }: Total): boolean => atMs >= fromMs && atMs < toMs;
      const expected = recorded.filter(own);
      // Without totals there is nothing to be the same as: each poll is published (docs/history.md).
      if (expected.length === 0) continue;
      const again = await pipeline(clock, replay.partitions);
      const played = playBack({ reader, system: "velib", fromMs, toMs, rawTopic: TOPICS.raw, clock });
      let publishes = 0;
      for await (const { records: batch } of played) {
        publishes += 1;
        if (publishes % replay.killedAfter === 0) await again.kill();
        await again.publish(batch, replay.pieces);
        await again.restart();
      }
      const totals = (await again.totals()).filter(own);
      await again.close();
      assert.deepEqual(totals, expected);
    }
  } finally {
    reader.close();
  }
}

/** Records of one partition keep their order, whatever the order of the partitions. */
function framesOf(records: readonly LogRecord[], read: Order): readonly (readonly LogRecord[])[] {
  const ordered =
    read === "by partition"
      ? [...Map.groupBy(records, ({ topic, partition }) => `${topic} ${partition}`).values()].flat()
      : read === "by time"
        ? [...inTime(records)]
        : records;
  const frames: LogRecord[][] = [];
  for (let at = 0; at < ordered.length; at += 7) frames.push(ordered.slice(at, at + 7));
  return frames;
}

function inTime(records: readonly LogRecord[]): readonly LogRecord[] {
  const newest = new Map<string, number>();
  return records
    .map((record) => {
      const id = `${record.topic} ${record.partition}`;
      const atMs = Math.max(record.timestampMs, newest.get(id) ?? 0);
      newest.set(id, atMs);
      return { record, atMs };
    })
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ record }) => record);
}

interface Total {
  readonly key: string;
  readonly value: string | null;
  readonly atMs: number;
}

/** A memory log with an aggregate on it, which may be killed. */
async function pipeline(clock: TestClock, partitions: number) {
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(TOPICS, { partitions, replicationFactor: 1 }));
  const start = async (): Promise<ProcessHandle> =>
    log.process(
      { topic: TOPICS.raw, group: "test" },
      aggregateProcessor({
        writer: { engine: "node", group: "test", sinceMs: 0 },
        topics: TOPICS,
        readReference: () => null,
        partitionCount: partitions,
        publishedAreas: () => Promise.resolve(new Map()),
        clock,
        logger: silentLogger,
        metrics: countingMetrics(),
      }),
    );
  let worker: ProcessHandle | null = await start();
  await settled();
  const producer = await log.producer();
  const records = async (topics: readonly string[]): Promise<readonly LogRecord[]> => {
    const all: LogRecord[] = [];
    for await (const batch of log.read({ topics, from: "earliest", until: "end" }))
      all.push(...batch.records);
    return all;
  };
  const idle = async (): Promise<void> => {
    do await settled();
    while (worker?.progress().some(({ lagRecords }) => lagRecords > 0) === true);
  };
  return {
    records,
    publish: async (batch: readonly ProduceRecord[], most: number) => {
      for (let at = 0; at < batch.length; at += most) await producer.publish(batch.slice(at, at + most));
      await idle();
    },
    kill: async () => {
      await worker?.stop();
      worker = null;
    },
    restart: async () => {
      worker ??= await start();
      await idle();
    },
    /** Every totals record, in order within each area. */
    totals: async (): Promise<readonly Total[]> =>
      (await records([TOPICS.totals]))
        .map(({ key, value, timestampMs }) => ({
          key: key ?? "",
          value: value?.toString() ?? null,
          atMs: timestampMs,
        }))
        .sort((a, b) => a.key.localeCompare(b.key)),
    close: async () => {
      await worker?.stop();
      await log.close();
    },
  };
}

/** What a collector publishes of its polls: a station that moves leaves its area first, none goes back in time. */
class ScriptedSystem {
  readonly #stations = new Map<number, { readonly area: string }>();
  /** When a station was last heard of: one that left does not come back at an earlier time. */
  readonly #heardMs = new Map<number, number>();

  poll(changes: readonly Change[], atMs: number): readonly ProduceRecord[] {
    return changes.flatMap((change) => {
      const { station } = change;
      const held = this.#stations.get(station);
      if (atMs < (this.#heardMs.get(station) ?? 0)) return [];
      this.#heardMs.set(station, atMs);
      const area = AREAS[(station + change.area) % AREAS.length] ?? "";
      const records =
        held !== undefined && (change.leaves || held.area !== area) ? leaves(station, held.area, atMs) : [];
      if (change.leaves) {
        this.#stations.delete(station);
        return records;
      }
      this.#stations.set(station, { area });
      return [...records, observed(change, area, atMs)];
    });
  }
}

function placeOf(station: number, area: string, atMs: number): Omit<ProduceRecord, "value"> {
  return {
    topic: TOPICS.raw,
    key: stationKey("velib", String(station)),
    partitionKey: areaPartitionKey("velib", area),
    timestampMs: atMs,
  };
}

function leaves(station: number, area: string, atMs: number): readonly ProduceRecord[] {
  const place = placeOf(station, area, atMs);
  const stationId = String(station);
  const value = encodeRetiredRecord({
    systemId: "velib",
    stationId,
    numericId: true,
    area,
    slot: station,
    observedAtMs: atMs,
    simulated: false,
  });
  return [
    { ...place, value },
    { ...place, value: null },
  ];
}

function observed({ station, total, electric }: Change, area: string, atMs: number): ProduceRecord {
  const value = {
    station_id: station,
    is_renting: 1,
    last_reported: Math.floor(atMs / 1000),
    system_id: "velib",
    postcode: area,
    slot: station,
    nbr_total: total,
    nbr_elec: electric,
    nbr_meca: null,
    nbr_docks: 3,
    observed_at: atMs,
  };
  return { ...placeOf(station, area, atMs), value: JSON.stringify(value) };
}
