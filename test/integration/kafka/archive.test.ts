/** `velostream archive` on a real broker, killed with -9 while records come: none is lost, none is there twice. */
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
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
import type { Log } from "../../../src/ports.ts";
import { countingMetrics, silentLogger } from "../../support/silent.ts";
import { openLog, startTestBroker } from "../../support/kafka.ts";

const TOPICS = { raw: "velib-projet", totals: "velib-projet-final-data", rejects: "velib-projet-rejects" };
const AREAS = ["75001", "75002", "75016", "93200", "92012"];
const KILLS = 4;

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

  test("keeps every record once through kill -9 and restart", async () => {
    const log = openLog(broker.brokers);
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
      await acknowledging();
      for (let turn = 0; turn < 10; turn += 1) {
        await publish();
        await delay(20 + kill * 15);
      }
      archive.kill("SIGKILL");
      await once(archive, "exit");
      // And some that come while nobody archives.
      await publish();
    }
    const last = startArchive();
    await acknowledging();
    await publish();
    while (worker.progress().some(({ lagRecords }) => lagRecords > 0)) await delay(50);
    await worker.stop();
    last.kill("SIGTERM");
    const [code] = (await once(last, "exit")) as [number | null];
    assert.equal(code, 0);

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
    await log.close();
    assert.equal(expected.get(TOPICS.raw)?.length, poll * 20);
    assert.deepEqual(await archived("stations"), expected.get(TOPICS.raw)?.toSorted(compare));
    assert.deepEqual(await archived("areas"), expected.get(TOPICS.totals)?.toSorted(compare));
  });

  test("plays back into Kafka as the totals records that were published, in other partitions", async () => {
    const log = openLog(broker.brokers);
    const topics = { raw: "again", totals: "again-totals", rejects: "again-rejects" };
    await log.createTopics(topicSpecs(topics, { partitions: 2, replicationFactor: 1 }));
    const times = published.map(([, , timestampMs]) => timestampMs);
    const range = [Math.min(...times), Math.max(...times) + 1].map((ms) => new Date(ms).toISOString());
    const replay = spawn(
      process.execPath,
      ["bin/velostream.js", "replay", "--data-dir", folder, "--speed", "max"].concat(
        ["--from", range[0] ?? "", "--to", range[1] ?? "", "--brokers", broker.brokers.join(",")],
        ["--raw-topic", topics.raw, "--totals-topic", topics.totals, "--group", "again", "--json"],
      ),
      { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, VELOSTREAM_LOG_LEVEL: "warn" } },
    );
    const [code] = (await once(replay, "exit")) as [number | null];
    assert.equal(code, 0);
    const again = await totalsOf(log, topics.totals);
    await log.close();
    assert.ok(published.length > KILLS * AREAS.length);
    assert.deepEqual(again, published);
  });

  function startArchive(): ChildProcess {
    return spawn(
      process.execPath,
      ["bin/velostream.js", "archive", "--brokers", broker.brokers.join(","), "--data-dir", folder],
      { stdio: ["ignore", "ignore", "inherit"], env: { ...process.env, VELOSTREAM_LOG_LEVEL: "warn" } },
    );
  }

  /** Resolves once the archive has taken something, or has had time to. */
  async function acknowledging(): Promise<void> {
    for (let turn = 0; turn < 100; turn += 1) {
      if ((await stat(join(folder, "history", "writer.lock")).catch(() => null)) !== null) break;
      await delay(50);
    }
    await delay(1_500);
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
