/** The archive stage: while the disk is full records wait in the log, and what the log gives up meanwhile is told of. */
import assert from "node:assert/strict";
import { describe, test, type TestContext } from "node:test";
import { ArchiveReader } from "../../src/history/read/archive-reader.ts";
import { createJournal, type OpenJournal } from "../../src/history/files/journal.ts";
import { readManifest } from "../../src/history/files/manifest.ts";
import { MemoryLog } from "../../src/log/memory-log.ts";
import { topicSpecs } from "../../src/log/topics.ts";
import { ArchiveStage } from "../../src/stages/archive/archive.ts";
import { createMetrics } from "../../src/telemetry/metrics.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../support/archive.ts";
import { runSink } from "../support/run-sink.ts";
import { silentLogger } from "../support/silent.ts";
import { TestClock } from "../support/test-clock.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const START = Date.UTC(2026, 10, 24, 6);

async function stage(context: TestContext, lossless = false) {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const log = new MemoryLog({ clock, maxUnreadRecords: 10_000 });
  await log.createTopics(topicSpecs(TOPICS, { partitions: 1, replicationFactor: 1 }));
  const disk = { full: false };
  const openJournal: OpenJournal = async (...where) => {
    const file = await createJournal(...where);
    const append = async (bytes: Buffer): Promise<void> => {
      if (disk.full) throw Object.assign(new Error("write"), { code: "ENOSPC" });
      await file.append(bytes);
    };
    return { ...file, append };
  };
  const said: string[] = [];
  const logger = { ...silentLogger, error: (event: string) => said.push(event) };
  const archive = await openWriter(folder, clock, { kind: "memory", openJournal, logger });
  const [stop, finish] = [new AbortController(), new AbortController()];
  const running = runSink(
    new ArchiveStage({
      required: true,
      openArchive: () => Promise.resolve(archive),
      waitsForRecords: 5_000,
    }),
    { log, topics: TOPICS, clock, logger, metrics: createMetrics({ process: false }), lossless },
    stop.signal,
    finish.signal,
  );
  running.catch(() => {});
  const producer = await log.producer();
  const scripted = new ScriptedLog();
  let seconds = 0;
  /** `count` observations of a hundred stations, a second apart each hundred. */
  const publish = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 100) {
      seconds += 1;
      const observedAtMs = START + seconds * 1_000;
      const records = scripted.batch(
        Array.from({ length: 100 }, (_, n) => ({ stationId: `${n}`, total: seconds % 50, observedAtMs })),
      );
      await producer.publish(
        records
          .filter(({ topic }) => topic === "raw")
          .map(({ topic, key, value, headers, timestampMs }) => ({
            topic,
            key,
            value,
            headers,
            timestampMs,
            partition: 0,
          })),
      );
    }
  };
  const until = async (isSo: () => boolean): Promise<void> => {
    for (let turn = 0; turn < 5_000 && !isSo(); turn += 1) {
      await clock.advance(1_000);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.ok(isSo(), "it did not come to pass");
  };
  const read = (offset: number): Promise<void> =>
    until(() => (archive.positions().get("raw:0") ?? 0) >= offset);
  const end = async (): Promise<void> => {
    finish.abort();
    let ended = false;
    running.finally(() => (ended = true)).catch(() => {});
    await until(() => ended);
    await running;
  };
  return { folder, clock, disk, archive, publish, read, end, until, said, log };
}

async function offsets(folder: string): Promise<number> {
  const files = (await readManifest(folder))?.files.filter(({ table }) => table === "stations") ?? [];
  return files.reduce((sum, { rows }) => sum + rows, 0);
}

describe("the archive stage", () => {
  test("keeps every record that waited in the log, however many came meanwhile", async (context) => {
    const { folder, disk, publish, read, end, until, archive } = await stage(context);
    await publish(1_000);
    await read(1_000);
    disk.full = true;
    await publish(2_000);
    await until(() => !archive.health().ok);
    await publish(2_000);
    disk.full = false;
    await read(5_000);
    await end();
    assert.equal(await offsets(folder), 5_000);
    assert.deepEqual((await readManifest(folder))?.gaps, []);
  });

  test("holds nobody up: beyond what waits, the log compacts, and the gap says that the disk was full", async (context) => {
    const { folder, disk, publish, read, end, until, archive, said } = await stage(context);
    await publish(1_000);
    await read(1_000);
    disk.full = true;
    await publish(1_000);
    await until(() => !archive.health().ok);
    // More than producers would wait for.
    await publish(13_000);
    disk.full = false;
    await read(15_000);
    await end();
    const kept = await offsets(folder);
    assert.ok(kept > 4_500 && kept < 15_000, String(kept));
    const manifest = await readManifest(folder);
    assert.deepEqual(
      manifest?.gaps.map(({ reason }) => reason),
      ["disk_full"],
    );
    assert.ok(said.includes("archive.records_lost"));
    // What coverage claims is there whole: every second of it has its hundred rows.
    const reader = new ArchiveReader(folder);
    context.after(() => reader.close());
    const wrong = await reader.query(async (snapshot, connection) => {
      const { makeViews } = await import("../../src/history/sql/query.ts");
      await makeViews(connection, folder, snapshot);
      const result = await connection.runAndReadAll(
        `SELECT c.from_time, c.to_time, count(*) FROM coverage c JOIN stations s ON s.observed_at BETWEEN c.from_time AND c.to_time
         GROUP BY ALL HAVING count(*) <> 100 * (1 + date_diff('second', c.from_time, c.to_time))`,
      );
      return result.getRowsJS();
    });
    assert.deepEqual(wrong, []);
  });

  test("that stops while the disk is full says what it leaves behind", async (context) => {
    const { disk, publish, read, end, until, archive, said } = await stage(context);
    await publish(1_000);
    await read(1_000);
    disk.full = true;
    await publish(1_000);
    await until(() => !archive.health().ok);
    await end();
    assert.ok(said.includes("archive.stopped_behind"));
  });
});
