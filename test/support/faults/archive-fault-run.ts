/**
 * Kills the archive and the broker, and fills the archive's disk, over and over while records come; then recounts.
 *
 *   producer ──▶ Kafka ──▶ aggregate ──▶ Kafka ──▶ archive ──▶ a small disk          kill -9, full: any of them, any time
 *                                                     └── at the end: rows = records of both topics, exactly; no gap
 */
import { execFile } from "node:child_process";
import { mkdtemp, rm, statfs, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";
import { areaPartitionKey } from "../../../src/record/partitioning.ts";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { makeViews } from "../../../src/history/sql/query.ts";
import type { KafkaLog } from "../../../src/log/kafka/kafka-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { openLog, startTestBroker } from "../kafka.ts";
import { seededRandom } from "./controlled-feed.ts";
import { Victim } from "./victim.ts";

export interface ArchiveFaultOptions {
  readonly kills: number;
  readonly fullDisks: number;
  readonly seed: number;
  readonly report: (line: string) => void;
}

export interface ArchiveFaultReport {
  readonly kills: { archive: number; broker: number };
  readonly fullDisks: number;
  readonly rawRecords: number;
  readonly totalsRecords: number;
  readonly seconds: number;
  /** One sentence per violation; empty when all is well. */
  readonly problems: readonly string[];
}

const TOPICS = { raw: "velib-projet", totals: "velib-projet-final-data", rejects: "velib-projet-rejects" };
const AREAS = ["75001", "75002", "75016", "93200", "92012"];
const STATIONS = 40;
const DISK = "size=24m";
/** It cannot begin on a full disk: it says so, and is started again. */
const NO_SPACE = /stopped by itself \(69\)/;
const ANY_LINE = /\S/;
const run = promisify(execFile);

export async function archiveFaultRun(options: ArchiveFaultOptions): Promise<ArchiveFaultReport> {
  const { report } = options;
  const startedAtMs = Date.now();
  const random = seededRandom(options.seed);
  const folder = await mkdtemp(join(tmpdir(), "velostream-archive-faults-"));
  const mounted = await run("mount", ["-t", "tmpfs", "-o", DISK, "tmpfs", folder]).then(
    () => true,
    () => false,
  );
  if (!mounted) report("No disk can be mounted here: it is not filled.");
  const broker = await startTestBroker();
  const brokers = ["--brokers", broker.brokers.join(","), "--log-level", "info"];
  const archive = new Victim("archive", ["archive", ...brokers, "--data-dir", folder], ANY_LINE);
  const aggregate = new Victim("aggregate", ["aggregate", ...brokers], ANY_LINE);
  const log = openLog(broker.brokers);
  const kills = { archive: 0, broker: 0 };
  let fullDisks = 0;
  try {
    const specs = topicSpecs(TOPICS, { partitions: 3, replicationFactor: 1 });
    // Every record is recounted at the end: none may be compacted away meanwhile.
    await log.createTopics(specs.map((spec) => ({ ...spec, cleanupPolicy: "delete" as const })));
    aggregate.start();
    archive.start();
    const ended = new AbortController();
    const producing = produce(log, random, ended.signal);
    for (let kill = 0; kill < options.kills; kill += 1) {
      await delay(200 + random() * 1_800);
      if (mounted && fullDisks < options.fullDisks && random() < options.fullDisks / options.kills + 0.05) {
        fullDisks += 1;
        const { bavail, bsize } = await statfs(folder);
        await writeFile(join(folder, "ballast"), Buffer.alloc(bavail * bsize)).catch(() => {});
        await delay(500 + random() * 2_500);
        if (random() < 0.5) await rm(join(folder, "ballast"), { force: true });
      }
      if (random() < 0.05) {
        kills.broker += 1;
        await broker.kill(1);
        await delay(random() * 1_000);
        await broker.restart(1);
        continue;
      }
      kills.archive += 1;
      await archive.kill();
      // It must not find a disk so full that it cannot begin.
      await rm(join(folder, "ballast"), { force: true });
      archive.start();
      if (kill % 20 === 19) report(`${kill + 1} kills, ${fullDisks} full disks`);
    }
    await rm(join(folder, "ballast"), { force: true });
    await archive.kill();
    archive.start();
    ended.abort();
    await producing;
    await delay(2_000);
    await aggregate.stop();
    // As an operator does: it reads to the end, and everything is in its files.
    await delay(6_000);
    await archive.stop();
    const recount = await recounted(log, join(folder, "history"));
    const problems = [
      ...recount.problems,
      ...[archive, aggregate].flatMap(({ problem }) => problem ?? []).filter((each) => !NO_SPACE.test(each)),
    ];
    const seconds = Math.round((Date.now() - startedAtMs) / 1_000);
    return { ...recount, kills, fullDisks, seconds, problems };
  } finally {
    await archive.kill();
    await aggregate.kill();
    await log.close();
    await broker.stop();
    if (mounted) await run("umount", [folder]).catch(() => {});
    await rm(folder, { recursive: true, force: true });
  }
}

async function produce(log: KafkaLog, random: () => number, signal: AbortSignal): Promise<void> {
  const producer = await log.producer();
  while (!signal.aborted) {
    const observedAtMs = Date.now();
    await producer.publish(
      Array.from({ length: STATIONS }, (_, station) => {
        const area = AREAS[station % AREAS.length] ?? "";
        const value = {
          system_id: "velib",
          station_id: String(station),
          postcode: area,
          nbr_total: Math.floor(random() * 30),
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
    await delay(100);
  }
  await producer.close();
}

/** Rows against records, and coverage against their times. */
async function recounted(
  log: KafkaLog,
  history: string,
): Promise<Pick<ArchiveFaultReport, "rawRecords" | "totalsRecords" | "problems">> {
  const records = new Map<string, string[]>([TOPICS.raw, TOPICS.totals].map((topic) => [topic, []]));
  const times: number[] = [];
  for await (const batch of log.read({ topics: [TOPICS.raw, TOPICS.totals], from: "earliest", until: "end" }))
    for (const { topic, partition, offset, timestampMs } of batch.records) {
      records.get(topic)?.push(`${partition}:${offset}`);
      if (topic === TOPICS.raw) times.push(timestampMs);
    }
  const problems: string[] = [];
  const reader = new ArchiveReader(history);
  try {
    await reader.query(async (snapshot, connection) => {
      await makeViews(connection, history, snapshot);
      const ask = async (sql: string): Promise<readonly (readonly unknown[])[]> =>
        (await connection.runAndReadAll(sql)).getRowsJS();
      for (const [table, topic] of [
        ["stations", TOPICS.raw],
        ["areas", TOPICS.totals],
      ] as const) {
        const rows = await ask(`SELECT log_partition || ':' || log_offset FROM ${table}`);
        const held = rows.map(([place]) => place as string);
        const wanted = new Set(records.get(topic));
        const once = new Set(held);
        if (once.size !== held.length)
          problems.push(`${held.length - once.size} rows of ${table} are there twice`);
        const lost = [...wanted].filter((place) => !once.has(place));
        if (lost.length > 0)
          problems.push(`${lost.length} records of ${topic} have no row, e.g. ${lost[0] ?? ""}`);
        const extra = [...once].filter((place) => !wanted.has(place));
        if (extra.length > 0) problems.push(`${extra.length} rows of ${table} are no record`);
      }
      const gaps = await ask("SELECT reason FROM gaps");
      if (gaps.length > 0) problems.push(`nothing is lost, and ${gaps.length} gaps are told`);
      const coverage = await ask(
        "SELECT epoch_ms(from_time)::DOUBLE, epoch_ms(to_time)::DOUBLE FROM coverage",
      );
      let [least, most] = [Infinity, -Infinity];
      for (const atMs of times) [least, most] = [Math.min(least, atMs), Math.max(most, atMs)];
      const said = JSON.stringify(coverage);
      if (said !== JSON.stringify([[least, most]]))
        problems.push(`coverage is ${said}, not ${least} to ${most}`);
    });
  } finally {
    reader.close();
  }
  return {
    rawRecords: records.get(TOPICS.raw)?.length ?? 0,
    totalsRecords: records.get(TOPICS.totals)?.length ?? 0,
    problems,
  };
}
