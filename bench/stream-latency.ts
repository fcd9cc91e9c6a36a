/**
 * From the end of a fetch to the event in a client's hands: `velostream run` as people start it, a feed in which every
 * station changes at every poll, and 1,000 clients of the event stream in other processes.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  childrenOf,
  cpuMsOf,
  endedChildrenCpuMsOf,
  proportionalBytesOf,
  residentBytesOf,
} from "./support/process-use.ts";
import { figure, quantile, report } from "./support/report.ts";
import { velibBody } from "./support/velib-body.ts";

const STATIONS = 1_495;
const CLIENTS = 1_000;
const CLIENT_PROCESSES = 2;
const POLLS = 20;
/** Each once in a while: of one area, then of one station. */
const QUESTIONS = 8;
const WARM_UP_POLLS = 3;
const INTERVAL_MS = 2_000;
const LIMIT_MS = 300;
const LIMIT_MB = 250;

interface PollSeen {
  readonly observedAtMs: number;
  readonly bytes: number;
  readonly latenciesMs: readonly (number | null)[];
}

const bodies = [0, 1].map((bikes) => velibBody(STATIONS, bikes));
const information = informationBody(bodies[0] as Buffer);
let polls = 0;
const feed = createServer((request, response) => {
  response.setHeader("content-type", "application/json");
  if (request.url === "/station_status.json") response.end(bodies[polls++ % 2]);
  else if (request.url === "/station_information.json") response.end(information);
  else response.writeHead(404).end();
});
await once(feed.listen(0, "127.0.0.1"), "listening");
const feedUrl = `http://127.0.0.1:${(feed.address() as AddressInfo).port}/station_status.json`;

const started: ChildProcess[] = [];
process.on("exit", () => started.forEach((child) => child.kill("SIGKILL")));

const dataDir = mkdtempSync(join(tmpdir(), "velostream-bench-"));
process.on("exit", () => rmSync(dataDir, { recursive: true, force: true }));
const main = new URL("../bin/velostream.js", import.meta.url).pathname;
const server = start(
  main,
  `run --interval ${INTERVAL_MS}ms --port 0 --log-level warn --rate-limit 0 --max-streams-per-address 0 --data-dir ${dataDir} --feed ${feedUrl}`.split(
    " ",
  ),
);
const url = await lineOf(server.stderr, /Live page and API: (\S+)/);

const clients = await Promise.all(
  Array.from({ length: CLIENT_PROCESSES }, async () => {
    const script = new URL("support/stream-clients.ts", import.meta.url).pathname;
    const client = start(script, [url, String(CLIENTS / CLIENT_PROCESSES)]);
    await lineOf(client.stdout, /^(open)$/);
    return client;
  }),
);
const residentMb: number[] = [];
const answersMs: number[] = [];
/** With the process that writes history's files, while there is one. */
const togetherMb: number[] = [];
const looking = setInterval(() => {
  const helpers = childrenOf(server.pid ?? 0).reduce((sum, pid) => sum + proportionalBytesOf(pid), 0);
  if (helpers > 0) togetherMb.push((residentBytesOf(server.pid) + helpers) / 1e6);
}, 100);
const cpuNow = (): number => cpuMsOf(server.pid) + endedChildrenCpuMsOf(server.pid ?? 0);
const cpuBefore = cpuNow();
const measuredFromMs = Date.now();
for (let poll = 0; poll < POLLS + WARM_UP_POLLS; poll += 1) {
  await new Promise((resolve) => setTimeout(resolve, INTERVAL_MS));
  residentMb.push(residentBytesOf(server.pid) / 1e6);
  if (poll >= POLLS + WARM_UP_POLLS - QUESTIONS) answersMs.push(await askHistory(poll));
}
const cpuShare = (cpuNow() - cpuBefore) / (Date.now() - measuredFromMs);
clearInterval(looking);
const seen = await Promise.all(
  clients.map(async (client) => {
    const line = lineOf(client.stdout, /^(\[.*)$/);
    client.stdin?.end();
    return JSON.parse(await line) as PollSeen[];
  }),
);
server.kill("SIGTERM");
await once(server, "exit");
feed.closeAllConnections();
feed.close();

// Polls before every client was there, and the last one, which some may not have had in full, are left out.
const complete = seen.map((polls) =>
  polls.filter(({ observedAtMs }) => observedAtMs > measuredFromMs).slice(WARM_UP_POLLS, -1),
);
const latencies = complete.flat().flatMap(({ latenciesMs }) => latenciesMs);
const missed = latencies.filter((latency) => latency === null).length;
const arrived = latencies.flatMap((latency) => latency ?? []).sort((a, b) => a - b);
const p99 = quantile(arrived, 0.99);
const resident = Math.max(...residentMb);
/** A process that the server starts is memory that the machine must have, too. */
const together = Math.max(resident, ...togetherMb);
report({
  name: "stream-latency",
  claim: `with all ${STATIONS} stations changing, 1,000 clients have the change within ${LIMIT_MS} ms of the fetch (p99), in under ${LIMIT_MB} MB`,
  holds: p99 < LIMIT_MS && together < LIMIT_MB && missed === 0 && arrived.length > 0,
  figures: [
    figure("fetch complete to last delta of the poll at a client", "ms", arrived),
    figure("p99 of that", "ms", [p99]),
    figure("resident memory of the server, most", "MB", [resident]),
    ...(togetherMb.length === 0
      ? []
      : [figure("together with the process that writes history, while there is one", "MB", togetherMb)]),
    figure("processor time of the server and that process, of one core", "share", [cpuShare]),
    figure("a question about the history of an area or a station", "ms", answersMs),
    figure("bytes of one poll to one client", "B", [complete[0]?.[0]?.bytes ?? NaN]),
  ],
  facts: {
    clients: CLIENTS,
    clientProcesses: CLIENT_PROCESSES,
    polls: complete[0]?.length ?? 0,
    missed,
    intervalMs: INTERVAL_MS,
  },
});
process.exit(0);

/** What opening a detail of the page asks; the first one loads DuckDB. */
async function askHistory(number: number): Promise<number> {
  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(new URL(`/api/v1/${path}`, url));
    if (!response.ok) throw new Error(`${path}: ${response.status}`);
    return (await response.json()) as T;
  };
  const kind = number % 2 === 0 ? "areas" : "stations";
  const list = await get<Record<typeof kind, readonly { readonly key: string }[]>>(kind);
  const { key } = list[kind][number % list[kind].length] ?? {};
  const askedMs = performance.now();
  await get(`${kind}/${encodeURIComponent(key ?? "")}/history`);
  return performance.now() - askedMs;
}

function start(script: string, args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [script, ...args], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  started.push(child);
  child.on("exit", (code) => {
    if (code !== null && code !== 0) throw new Error(`${script} ended with ${code}`);
  });
  return child;
}

/** The first group of the first line that matches; lines that do not are shown. */
async function lineOf(stream: NodeJS.ReadableStream | null, pattern: RegExp): Promise<string> {
  if (stream === null) throw new Error("no stream");
  for await (const line of createInterface({ input: stream })) {
    const match = pattern.exec(line);
    if (match?.[1] !== undefined) return match[1];
    console.error(line);
  }
  throw new Error(`ended without ${pattern.source}`);
}

function informationBody(status: Buffer): Buffer {
  const { data } = JSON.parse(status.toString("utf8")) as {
    data: { stations: { station_id: number; stationCode: string }[] };
  };
  const stations = data.stations.map(({ station_id, stationCode }, index) => ({
    station_id,
    stationCode,
    name: `Station ${stationCode} - Avenue ${index}`,
    lat: 48.8 + (index % 100) / 1_000,
    lon: 2.25 + (index % 150) / 1_000,
    capacity: 20 + (index % 40),
  }));
  return Buffer.from(JSON.stringify({ ttl: 3600, data: { stations } }));
}
