/**
 * Claim: `run --feeds all` keeps its history: with 1,520 systems and 300,000 stations archived, polls are no later than
 * without the archive, it stays under 1 GB and one core, a flush ends before the next one is due, and the number of
 * files does not grow with the number of systems.
 *
 * The same systems as in many-systems.ts, collected twice, each time by a process of its own: without archive, with it.
 * The clock of both is put so that midnight (UTC) falls into the time that is measured: rows go to two days. Then the
 * archive is closed, opened and asked, and, an hour later by its clock, the day that is over is sealed.
 */
import { fork } from "node:child_process";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readVelibReference } from "../src/velib/reference-record.ts";
import { ArchiveReader } from "../src/history/read/archive-reader.ts";
import { ArchiveWriter } from "../src/history/write/archive-writer.ts";
import { DAY_MS } from "../src/history/files/layout.ts";
import { ArchiveQueries } from "../src/history/read/queries.ts";
import type { Clock, Metrics, TopicNames } from "../src/ports.ts";
import { SILENT } from "../src/telemetry/logger.ts";
import { collectManySystems, type ManySystemsRun } from "./support/many-systems-run.ts";
import { figure, report } from "./support/report.ts";

const WARM_UP_MS = Number(process.env["WARM_UP_S"] ?? 60) * 1000;
const MEASURED_MS = Number(process.env["MEASURED_S"] ?? 150) * 1000;
const HOUR_MS = 3_600_000;
const FLUSH_EVERY_LIMIT_MS = 5 * 60_000;

interface Archived {
  readonly flushMs: readonly number[];
  readonly rows: number;
  readonly closeMs: number;
  readonly files: number;
  readonly filesWritten: number;
  readonly archiveMb: number;
  readonly manifestBytes: number;
  readonly openMs: number;
  readonly firstAnswerMs: number;
  readonly answersMs: readonly number[];
  readonly sealMs: number;
  readonly sealResidentMb: number;
  readonly filesSealed: number;
}

if (process.send === undefined) await compare();
else {
  const [mode = ""] = process.argv.slice(2);
  process.send(await measure(mode === "archive"));
  process.disconnect();
}

async function compare(): Promise<void> {
  const without = await phase("none");
  const { run, archived } = await phase("archive");
  if (archived === null) throw new Error("nothing was archived");
  const residentMb = [...run.residentMb, ...run.togetherMb];
  const minutes = (run.wallMs + WARM_UP_MS) / 60_000;
  report({
    name: "archive-many-systems",
    claim: `${run.systems} systems with ${run.stations} stations archived: under 1 GB and one core, polls no later than without (p99 within 100 ms), flushes keep up`,
    holds:
      run.live === run.systems &&
      Math.max(...residentMb) < 1000 &&
      run.cores < 1 &&
      run.delayP99Ms < without.run.delayP99Ms + 100 &&
      Math.max(...archived.flushMs) < FLUSH_EVERY_LIMIT_MS &&
      archived.files < run.systems,
    figures: [
      figure("resident memory, without archive", "MB", without.run.residentMb),
      figure("resident memory, with archive", "MB", run.residentMb),
      figure("together with the process that writes files, while there is one", "MB", run.togetherMb),
      figure("processor, without archive", "cores", [without.run.cores]),
      figure("processor, with archive", "cores", [run.cores]),
      figure("schedule delay p99, without archive", "ms", [without.run.delayP99Ms]),
      figure("schedule delay p99, with archive", "ms", [run.delayP99Ms]),
      figure("event-loop delay p99, without archive", "ms", [without.run.loopDelayP99Ms]),
      figure("event-loop delay p99, with archive", "ms", [run.loopDelayP99Ms]),
      figure("event-loop delay most, without archive", "ms", [without.run.loopDelayMaxMs]),
      figure("event-loop delay most, with archive", "ms", [run.loopDelayMaxMs]),
      figure("a flush", "ms", archived.flushMs),
      figure("closing", "ms", [archived.closeMs]),
      figure("opening", "ms", [archived.openMs]),
      figure("first answer on one system", "ms", [archived.firstAnswerMs]),
      figure("further answers on one system", "ms", archived.answersMs),
      figure("sealing the day that is over", "ms", [archived.sealMs]),
      figure("resident memory while sealing", "MB", [archived.sealResidentMb]),
    ].filter(({ runs }) => runs > 0),
    facts: {
      systems: run.systems,
      stations: run.stations,
      liveAfterWarmUp: run.live,
      failedPolls: run.failures,
      requestsBeforeTheTtlWasOver: run.early,
      archivedRows: archived.rows,
      flushes: archived.flushMs.length,
      files: archived.files,
      filesWrittenAnHour: Math.round((archived.filesWritten / minutes) * 60),
      filesOnceSealed: archived.filesSealed,
      archiveMb: archived.archiveMb,
      manifestBytes: archived.manifestBytes,
      measuredSeconds: Math.round(run.wallMs / 1000),
    },
  });
}

async function phase(mode: string): Promise<{ run: ManySystemsRun; archived: Archived | null }> {
  const child = fork(new URL(import.meta.url).pathname, [mode], {
    execArgv: ["--expose-gc", "--max-semi-space-size=8"],
    serialization: "advanced",
  });
  return new Promise((resolve, reject) => {
    child.once("message", (message) =>
      resolve(message as { run: ManySystemsRun; archived: Archived | null }),
    );
    child.once("exit", (code) => reject(new Error(`${mode} ended with ${code}`)));
  });
}

async function measure(archive: boolean): Promise<{ run: ManySystemsRun; archived: Archived | null }> {
  // Midnight in the middle of what is measured.
  const midnightAtMs = Date.now() + WARM_UP_MS + MEASURED_MS / 2;
  const shiftMs = DAY_MS - (midnightAtMs % DAY_MS);
  const folder = await mkdtemp(join(tmpdir(), "velostream-bench-"));
  const flushMs: number[] = [];
  let rows = 0;
  const open = async (topics: TopicNames, clock: Clock): Promise<ArchiveWriter> =>
    ArchiveWriter.open({
      folder,
      kind: "memory",
      topics,
      readReference: readVelibReference,
      retainMs: null,
      clock,
      logger: { ...SILENT, error: (event, message) => console.error(event, message) },
      metrics: {
        count: (name, _labels, by = 1) => (rows += name === "velostream_archive_rows_total" ? by : 0),
        set() {},
        observe: (name, _labels, value) =>
          name === "velostream_archive_flush_duration_seconds" && flushMs.push(value * 1000),
        forget() {},
      } satisfies Metrics,
    });
  try {
    let closeMs = 0;
    const run = await collectManySystems({
      warmUpMs: WARM_UP_MS,
      measuredMs: MEASURED_MS,
      shiftMs,
      ...(archive
        ? {
            openArchive: async (topics, clock) => {
              const writer = await open(topics, clock);
              const close = writer.close.bind(writer);
              writer.close = async () => {
                const beganMs = performance.now();
                await close();
                closeMs = performance.now() - beganMs;
              };
              return writer;
            },
          }
        : {}),
    });
    if (!archive) return { run, archived: null };
    const { size } = await stat(join(folder, "manifest.json"));
    const files = await parquetFiles(folder);
    const topics = { raw: "raw", totals: "totals", rejects: "rejects" };
    const later: Clock = { now: () => Date.now() + shiftMs, sleep: async () => {} };
    let beganMs = performance.now();
    await (await open(topics, later)).abandon();
    const openMs = performance.now() - beganMs;
    const answers = await ask(folder, run.systems, later.now());
    const afterIt: Clock = { now: () => Date.now() + shiftMs + DAY_MS + 2 * HOUR_MS, sleep: async () => {} };
    const writer = await open(topics, afterIt);
    beganMs = performance.now();
    let sealResidentMb = 0;
    const timer = setInterval(
      () => (sealResidentMb = Math.max(sealResidentMb, process.memoryUsage.rss() / 1e6)),
      100,
    );
    await writer.close();
    clearInterval(timer);
    const sealMs = performance.now() - beganMs;
    return {
      run,
      archived: {
        flushMs,
        rows,
        closeMs,
        files: files.length,
        filesWritten: Math.max(...files.map(({ number }) => number)),
        archiveMb: Math.round(files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6),
        manifestBytes: size,
        openMs,
        ...answers,
        sealMs,
        sealResidentMb,
        filesSealed: (await parquetFiles(folder)).length,
      },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** One station's last hour, of one system after another. */
async function ask(
  folder: string,
  systems: number,
  nowMs: number,
): Promise<Pick<Archived, "firstAnswerMs" | "answersMs">> {
  const reader = new ArchiveReader(folder);
  const queries = new ArchiveQueries(reader, { now: () => nowMs });
  const times: number[] = [];
  for (let turn = 0; turn < 60; turn += 1) {
    const system = Math.floor((turn * systems) / 60);
    const beganMs = performance.now();
    const series = await queries.stationHistory({
      systemId: `system-${system}`,
      stationId: "station-0",
      fromMs: nowMs - HOUR_MS,
      toMs: nowMs,
      stepMs: 60_000,
      aggregate: "mean",
    });
    times.push(performance.now() - beganMs);
    if (series?.total.some((value) => value !== null) !== true)
      throw new Error(`nothing is known of system-${system}`);
  }
  reader.close();
  const [firstAnswerMs = Number.NaN, ...answersMs] = times;
  return { firstAnswerMs, answersMs };
}

async function parquetFiles(folder: string): Promise<readonly { number: number; bytes: number }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && entry.name.endsWith(".parquet"));
  return Promise.all(
    files.map(async (entry) => ({
      number: Number.parseInt(entry.name, 10),
      bytes: (await stat(join(entry.parentPath, entry.name))).size,
    })),
  );
}
