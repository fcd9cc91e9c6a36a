/**
 * What keeping the history costs in the ordinary case: `velostream run` as people start it on a system of Vélib's size,
 * without its archive and with it, A B A B. Every station changes at every poll, a poll a second: some 100 times what
 * Vélib' does, so that a minute tells; per record it is the same.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import {
  childrenOf,
  cpuMsOf,
  endedChildrenCpuMsOf,
  proportionalBytesOf,
  residentBytesOf,
} from "./support/process-use.ts";
import { figure, report } from "./support/report.ts";
import { velibBody } from "./support/velib-body.ts";

const STATIONS = 1_495;
const INTERVAL_MS = 1_000;
const PAIRS = Number(process.env["PAIRS"] ?? 3);
const WARM_UP_MS = 10_000;
const MEASURED_MS = 50_000;

interface Run {
  readonly polls: number;
  /** Of `run` alone. */
  readonly ownMs: number;
  /** Of the processes that write files. */
  readonly helperMs: number;
  readonly residentMb: number;
  /** With the process that writes files, its pages that others share counted by their share. */
  readonly togetherMb: number;
  /** Looks that found such a process. */
  readonly helperShare: number;
}

// More than two: a feed that alternates between two is flagged.
const bodies = [0, 1, 2, 3, 4].map((bikes) => velibBody(STATIONS, bikes));
let polls = 0;
const feed = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  if (request.url === "/station_status.json") response.end(bodies[polls++ % bodies.length]);
  else response.writeHead(404).end();
});
await once(feed.listen(0, "127.0.0.1"), "listening");
const feedUrl = `http://127.0.0.1:${(feed.address() as AddressInfo).port}/station_status.json`;

const without: Run[] = [];
const withIt: Run[] = [];
for (let pair = 0; pair < PAIRS; pair += 1) {
  without.push(await measure(false));
  withIt.push(await measure(true));
}
feed.closeAllConnections();
feed.close();

const records = (run: Run): number => run.polls * STATIONS;
const perRecord = (run: Run): number => ((run.ownMs + run.helperMs) * 1_000) / records(run);
const perPoll = (run: Run): number => (run.ownMs + run.helperMs) / run.polls;
report({
  name: "archive-cost",
  claim: `what the archive costs ${STATIONS} stations, all of them changing at every poll`,
  holds: null,
  figures: [
    figure("processor time of a poll, without archive", "ms", without.map(perPoll)),
    figure("processor time of a poll, with archive", "ms", withIt.map(perPoll)),
    figure(
      "of that in the process that writes files",
      "ms",
      withIt.map((run) => run.helperMs / run.polls),
    ),
    figure("processor time of a record, without archive", "µs", without.map(perRecord)),
    figure("processor time of a record, with archive", "µs", withIt.map(perRecord)),
    figure(
      "what the archive adds to a record",
      "µs",
      withIt.map((run, pair) => perRecord(run) - perRecord(without[pair] ?? run)),
    ),
    figure(
      "resident memory, without archive, most",
      "MB",
      without.map(({ residentMb }) => residentMb),
    ),
    figure(
      "resident memory, with archive, most",
      "MB",
      withIt.map(({ residentMb }) => residentMb),
    ),
    figure(
      "together with the process that writes files, most",
      "MB",
      withIt.map(({ togetherMb }) => togetherMb),
    ),
  ],
  facts: {
    stations: STATIONS,
    intervalMs: INTERVAL_MS,
    measuredSeconds: MEASURED_MS / 1_000,
    polls: withIt.reduce((sum, run) => sum + run.polls, 0),
    percentOfTimeFilesAreWritten: Math.round(
      (100 * withIt.reduce((sum, run) => sum + run.helperShare, 0)) / withIt.length,
    ),
  },
});
process.exit(0);

async function measure(archive: boolean): Promise<Run> {
  const dataDir = mkdtempSync(join(tmpdir(), "velostream-bench-"));
  const main = new URL("../bin/velostream.js", import.meta.url).pathname;
  const args = `run --interval ${INTERVAL_MS}ms --port 0 --log-level warn --feed ${feedUrl}`.split(" ");
  const child = spawn(
    process.execPath,
    [main, ...args, ...(archive ? ["--data-dir", dataDir] : ["--no-archive"])],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const stop = (): void => void child.kill("SIGKILL");
  process.once("exit", stop);
  try {
    return await watch(child);
  } finally {
    child.kill("SIGTERM");
    await once(child, "exit");
    process.removeListener("exit", stop);
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function watch({ pid = 0 }: ChildProcess): Promise<Run> {
  await delay(WARM_UP_MS);
  const helperCpuMs = (): number =>
    endedChildrenCpuMsOf(pid) + childrenOf(pid).reduce((sum, helper) => sum + cpuOf(helper), 0);
  const before = { polls, ownMs: cpuMsOf(pid), helperMs: helperCpuMs() };
  let [residentMb, togetherMb, looks, found] = [0, 0, 0, 0];
  for (const endMs = performance.now() + MEASURED_MS; performance.now() < endMs; looks += 1) {
    await delay(100);
    const own = residentBytesOf(pid) / 1e6;
    const helpers = childrenOf(pid).reduce((sum, helper) => sum + proportionalBytesOf(helper), 0) / 1e6;
    residentMb = Math.max(residentMb, own);
    togetherMb = Math.max(togetherMb, own + helpers);
    if (helpers > 0) found += 1;
  }
  return {
    polls: polls - before.polls,
    ownMs: cpuMsOf(pid) - before.ownMs,
    helperMs: helperCpuMs() - before.helperMs,
    residentMb,
    togetherMb,
    helperShare: found / looks,
  };
}

/** A process may end while it is looked at. */
function cpuOf(pid: number): number {
  try {
    return cpuMsOf(pid);
  } catch {
    return 0;
  }
}
