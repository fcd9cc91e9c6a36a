/**
 * Version 0.1.0 took an observation from the future for the newest, and dropped all that followed as older: its totals stand
 * in the topic. test/fixtures/upgrade-0.1.0/frozen holds such records, in the form of that version's; they thaw with the restore.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { resume } from "../../src/log/kafka/position-note.ts";
import { LatestTotals } from "../../src/record/latest-totals.ts";
import { readPublishedAreas } from "../../src/stages/aggregate/published-areas.ts";
import { aggregateProcessor } from "../../src/stages/aggregate/totals-processor.ts";
import type { LogRecord, ProduceRecord } from "../../src/ports.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { TestClock } from "../support/test-clock.ts";

const FIXTURE = "test/fixtures/upgrade-0.1.0/frozen";
const TOPICS = { raw: "velib-projet", totals: "velib-projet-final-data", rejects: "velib-projet-rejects" };
const LEFT_AT_MS = 1_793_527_330_000;

type Line = Pick<LogRecord, "partition" | "offset" | "key" | "headers" | "timestampMs"> & {
  readonly value: string;
};

/** The records of a topic, at offsets of their own where compaction took others. */
async function left(compacted: boolean): Promise<{ log: MemoryLog; raw: readonly LogRecord[] }> {
  const log = new MemoryLog({ clock: new TestClock(LEFT_AT_MS) });
  await log.createTopics(
    Object.values(TOPICS).map((topic) => {
      return { topic, partitions: 1, replicationFactor: 1, cleanupPolicy: "compact" as const };
    }),
  );
  const linesOf = (topic: string): Line[] =>
    readFileSync(`${FIXTURE}/${topic}.ndjson`, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Line);
  const producer = await log.producer();
  await producer.publish(
    linesOf(TOPICS.totals).map(({ key, partition, value, headers, timestampMs }): ProduceRecord => {
      return { topic: TOPICS.totals, key, partition, value, headers, timestampMs };
    }),
  );
  const raw = linesOf(TOPICS.raw).map((line): LogRecord => {
    return { ...line, topic: TOPICS.raw, value: Buffer.from(line.value) };
  });
  const last = new Map(raw.map((record) => [record.key, record]));
  return { log, raw: compacted ? raw.filter((record) => last.get(record.key) === record) : raw };
}

for (const compacted of [false, true])
  test(`stations that a record from the future had frozen are counted once it is restored (compacted: ${compacted})`, async () => {
    const { log, raw } = await left(compacted);
    // Version 0.1.0 kept no note beside its position.
    const topics = { topicId: "A", partitions: 1, outputId: "out", start: 0, end: 5, lastTimeMs: null };
    const { position, renewed, note } = resume({ offset: 5, note: null }, topics, LEFT_AT_MS);
    const processor = aggregateProcessor({
      writer: { engine: "node", group: "upgraded", sinceMs: 1 },
      topics: TOPICS,
      readReference: () => null,
      partitionCount: 1,
      publishedAreas: (place) => readPublishedAreas(log, TOPICS, place),
      clock: { now: () => LEFT_AT_MS },
      logger: silentLogger,
      metrics: countingMetrics(),
    });
    async function* history(): AsyncGenerator<readonly LogRecord[]> {
      yield await Promise.resolve(raw);
    }
    const range = { committedOffset: position, endOffset: 5, topicId: note.sequence, partitionCount: 1 };
    await processor.restore(0, history(), { ...range, renewed });
    await (await log.producer()).publish(processor.caughtUp?.(0) ?? []);

    const latest = new LatestTotals();
    const shown = new Map<string, number>();
    for await (const { records } of log.read({ topics: [TOPICS.totals], from: "earliest", until: "end" }))
      for (const record of records) {
        const read = latest.read(record);
        if (read.outcome !== "latest") continue;
        if (read.totals === null) shown.delete(read.key);
        else shown.set(read.key, read.totals.total);
      }
    // Of station 2 compaction left the record from the future alone: nothing is known of it until it is published again.
    assert.deepEqual(Object.fromEntries(shown), compacted ? { "75001": 6 } : { "75001": 6, "75002": 7 });
  });
