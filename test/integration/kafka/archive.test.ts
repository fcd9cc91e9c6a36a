/** `velostream archive` on a real broker, killed with -9 while records come: none is lost, none is there twice. */
import assert from "node:assert/strict";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import { areaPartitionKey } from "../../../src/record/partitioning.ts";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { fileList } from "../../../src/history/sql/relation.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { aggregateProcessor } from "../../../src/stages/aggregate/totals-processor.ts";
import type { Log, ProcessHandle } from "../../../src/ports.ts";
import { countingMetrics, silentLogger } from "../../support/silent.ts";
import { openLog, startTestBroker } from "../../support/kafka.ts";
import { endedBy, endedEarly, type Running, velostream } from "../../support/velostream.ts";

const TOPICS = { raw: "velib-projet", totals: "velib-projet-final-data", rejects: "velib-projet-rejects" };
const AREAS = ["75001", "75002", "75016", "93200", "92012"];
const KILLS = 4;
/** No process of this test lives longer, whatever becomes of it. */
const LIFE_LIMIT_MS = 120_000;

/** What a consumer keeps of a totals record, by area in their order. */
type Totals = readonly (readonly [key: string | null, value: string | null, timestampMs: number])[];

describe("the archive on Kafka", { timeout: 240_000 }, () => {
  let broker: RunningBroker;
  let folder: string;
  let published: Totals = [];
  before(async () => {
    broker = await startTestBroker();
    folder = await mkdtemp(join(tmpdir(), "velostream-archive-kafka-"));
  });
  after(async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });

  test("keeps every record once through kill -9 and restart", async (t) => {
    const log = openLog(broker.brokers);
    // Whatever fails: what is left open would keep this process, and CI, waiting for ever.
    t.after(() => log.close());
    await log.createTopics(topicSpecs(TOPICS, { partitions: 3, replicationFactor: 1 }));
    const worker = await log.process(
      { topic: TOPICS.raw, group: "archive-test" },
      aggregateProcessor({
        writer: { engine: "node", group: "test", sinceMs: 0 },
        topics: TOPICS,
        readReference: () => null,
        partitionCount: 3,
        publishedAreas: () => Promise.resolve(new Map()),
        clock: { now: () => Date.now() },
        logger: silentLogger,
        metrics: countingMetrics(),
      }),
    );
    const producer = await log.producer();
    let poll = 0;
    const publish = async (): Promise<void> => {
      poll += 1;
      const observedAtMs = Date.now();
      await producer.publish(
        Array.from({ length: 20 }, (_, station) => {
          const area = AREAS[station % AREAS.length] ?? "";
          const value = {
            system_id: "velib",
            station_id: String(station),
            postcode: area,
            nbr_total: (poll + station) % 30,
            nbr_elec: null,
            nbr_meca: null,
            nbr_docks: null,
            observed_at: observedAtMs,
          };
          return {
            topic: TOPICS.raw,
            key: `velib:${station}`,
            value: JSON.stringify(value),
            partitionKey: areaPartitionKey("velib", area),
            timestampMs: observedAtMs,
          };
        }),
      );
    };

    for (let kill = 0; kill < KILLS; kill += 1) {
      const archive = startArchive();
      await acknowledging(archive);
      for (let turn = 0; turn < 10; turn += 1) {
        await publish();
        await delay(20 + kill * 15);
      }
      await endedBy(archive, "SIGKILL");
      // And some that come while nobody archives.
      await publish();
    }
    const last = startArchive();
    await acknowledging(last);
    await publish();
    await Promise.race([caughtUp(worker), worker.done, endedEarly(last)]);
    await worker.stop();
    await endedBy(last, "SIGTERM");

    const expected = new Map<string, string[]>([
      [TOPICS.raw, []],
      [TOPICS.totals, []],
    ]);
    for await (const { records } of log.read({
      topics: [TOPICS.raw, TOPICS.totals],
      from: "earliest",
      until: "end",
    }))
      for (const { topic, partition, offset } of records) expected.get(topic)?.push(`${partition}:${offset}`);
    published = await totalsOf(log, TOPICS.totals);
    assert.equal(expected.get(TOPICS.raw)?.length, poll * 20);
    assert.deepEqual(await archived("stations"), expected.get(TOPICS.raw)?.toSorted(compare));
    assert.deepEqual(await archived("areas"), expected.get(TOPICS.totals)?.toSorted(compare));
  });

  test("plays back into Kafka as the totals records that were published, in other partitions", async (t) => {
    const log = openLog(broker.brokers);
    t.after(() => log.close());
    const topics = { raw: "again", totals: "again-totals", rejects: "again-rejects" };
    await log.createTopics(topicSpecs(topics, { partitions: 2, replicationFactor: 1 }));
    const times = published.map(([, , timestampMs]) => timestampMs);
    const range = [Math.min(...times), Math.max(...times) + 1].map((ms) => new Date(ms).toISOString());
    const replay = velostream(
      ["replay", "--data-dir", folder, "--speed", "max", "--log-level", "warn"].concat(
        ["--from", range[0] ?? "", "--to", range[1] ?? "", "--brokers", broker.brokers.join(",")],
        ["--raw-topic", topics.raw, "--totals-topic", topics.totals, "--group", "again", "--json"],
      ),
      {},
      LIFE_LIMIT_MS,
    );
    const { exitCode, stderr } = await replay.finished;
    assert.equal(exitCode, 0, stderr);
    const again = await totalsOf(log, topics.totals);
    assert.ok(published.length > KILLS * AREAS.length);
    assert.deepEqual(again, published);
  });

  function startArchive(): Running {
    return velostream(
      ["archive", "--brokers", broker.brokers.join(","), "--data-dir", folder, "--log-level", "warn"],
      {},
      LIFE_LIMIT_MS,
    );
  }

  /** Resolves once the archive has taken something, or has had time to; rejects when it ends before. */
  async function acknowledging(archive: Running): Promise<void> {
    for (let turn = 0; turn < 100; turn += 1) {
      if ((await stat(join(folder, "history", "writer.lock")).catch(() => null)) !== null) break;
      await Promise.race([delay(50), endedEarly(archive)]);
    }
    await Promise.race([delay(1_500), endedEarly(archive)]);
  }

  /** `partition:offset` of every row. */
  async function archived(table: "stations" | "areas"): Promise<readonly string[]> {
    const reader = new ArchiveReader(join(folder, "history"));
    try {
      return await reader.query(async ({ manifest, fresh }, connection) => {
        const paths = manifest.files.filter((file) => file.table === table).map(({ path }) => path);
        const result = await connection.runAndReadAll(
          `SELECT log_partition || ':' || log_offset FROM read_parquet(${fileList(reader.folder, paths)})`,
        );
        const rows = [
          ...result.getRowsJS().map(([place]) => place as string),
          ...fresh[table].where().map(({ partition, offset }) => `${partition}:${offset}`),
        ];
        return rows.sort(compare);
      });
    } finally {
      reader.close();
    }
  }
});

/** Resolves when nothing is left to read. */
async function caughtUp(worker: ProcessHandle): Promise<void> {
  const untilMs = Date.now() + LIFE_LIMIT_MS;
  while (worker.progress().some(({ lagRecords }) => lagRecords > 0)) {
    assert.ok(Date.now() < untilMs, `the worker has not caught up: ${JSON.stringify(worker.progress())}`);
    await delay(50);
  }
}

async function totalsOf(log: Log, topic: string): Promise<Totals> {
  const totals: [string | null, string | null, number][] = [];
  for await (const { records } of log.read({ topics: [topic], from: "earliest", until: "end" }))
    for (const { key, value, timestampMs } of records)
      totals.push([key, value?.toString() ?? null, timestampMs]);
  return totals.sort(([a], [b]) => (a ?? "").localeCompare(b ?? ""));
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
