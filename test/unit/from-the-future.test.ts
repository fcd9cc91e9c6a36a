/** Readers beside the aggregate decide the same of a record from the future, and of one that cannot be read. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Collection } from "../../src/domain/collection.ts";
import { LiveView } from "../../src/domain/live-view.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { RestoreSnapshot } from "../../src/stages/collect/restore-collection.ts";
import { ViewStage } from "../../src/stages/view/view.ts";
import type { ProduceRecord } from "../../src/ports.ts";
import { runSink } from "../support/run-sink.ts";
import { countingMetrics, silentLogger } from "../support/silent.ts";
import { TestClock } from "../support/test-clock.ts";

const NOW_MS = 1_790_000_000_000;
const MINUTE = 60_000;
const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };

const observed = (bikes: number, observedAtMs: number, timestampMs: number): ProduceRecord => ({
  topic: "raw",
  key: "velib:1",
  partition: 0,
  timestampMs,
  value: JSON.stringify({
    system_id: "velib",
    station_id: "1",
    postcode: "75001",
    slot: 0,
    observed_at: observedAtMs,
    nbr_total: bikes,
  }),
});

async function logOf(records: readonly ProduceRecord[]): Promise<{ log: MemoryLog; clock: TestClock }> {
  const clock = new TestClock(NOW_MS);
  const log = new MemoryLog({ clock });
  const spec = { partitions: 1, replicationFactor: 1, cleanupPolicy: "compact" } as const;
  await log.createTopics(Object.values(TOPICS).map((topic) => ({ topic, ...spec })));
  await (await log.producer()).publish(records);
  return { log, clock };
}

const AHEAD: readonly (readonly [string, ProduceRecord])[] = [
  ["observed half an hour ahead", observed(99, NOW_MS + 30 * MINUTE, NOW_MS)],
  ["stamped half an hour ahead", observed(99, NOW_MS + 30 * MINUTE, NOW_MS + 30 * MINUTE)],
  ["observed in microseconds", observed(99, NOW_MS * 1000, NOW_MS)],
  ["too large", { ...observed(99, NOW_MS, NOW_MS), value: `{"x":"${"x".repeat(1_100_000)}"}` }],
];

for (const [what, record] of AHEAD) {
  test(`the view shows the collector's next word, not what is ${what}`, async () => {
    const { log, clock } = await logOf([
      observed(5, NOW_MS - MINUTE, NOW_MS - MINUTE),
      record,
      observed(6, NOW_MS - 1, NOW_MS - 1),
    ]);
    const view = new LiveView();
    const metrics = countingMetrics();
    const finish = new AbortController();
    finish.abort();
    const options = { log, topics: TOPICS, clock, logger: silentLogger, metrics };
    await runSink(new ViewStage(view), options, new AbortController().signal, finish.signal);
    assert.equal(view.station("velib:1")?.total, 6);
  });

  test(`a collector that starts publishes a station again of which the topic last says what is ${what}`, async () => {
    const { log, clock } = await logOf([record]);
    const collection = new Collection({
      systemId: "velib",
      mode: "changes",
      simulated: false,
      resolveArea: () => ({ area: "75001", rule: "system" }),
    });
    const { signal } = new AbortController();
    assert.equal(await new RestoreSnapshot(log, TOPICS.raw, signal, clock).restore(collection, "velib"), 0);
  });
}
