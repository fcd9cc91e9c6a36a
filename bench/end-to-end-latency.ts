/**
 * From a change in the feed to the area's new totals in a client of the event stream, at three rates of change, with
 * the memory log and with Kafka: `velostream run` as people start it, in a process of its own.
 *
 *   feed answers ──▶ fetch, decode, diff ──▶ raw record ──▶ aggregate ──▶ totals record ──▶ view ──▶ SSE event
 *   └──────────────────────────────────────── measured ─────────────────────────────────────────────────┘
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { startBroker } from "../infra/kafka/broker.ts";
import { ChangingFeed, type Rate } from "./support/changing-feed.ts";
import { type Figure, figure, quantile, report } from "./support/report.ts";

const RATES: readonly Rate[] = [
  { changesPerSecond: 1, stations: 1_495, intervalMs: 100, seconds: 25 },
  { changesPerSecond: 100, stations: 1_495, intervalMs: 100, seconds: 20 },
  { changesPerSecond: 10_000, stations: 10_000, intervalMs: 500, seconds: 20 },
];
const WARM_UP_SECONDS = 6;
const LIMIT_MS = 100;

interface AreaEvent {
  readonly key: string;
  readonly as_of: number;
}

async function measure(rate: Rate, brokers: string | null): Promise<{ latencies: number[]; missed: number }> {
  const feed = new ChangingFeed(rate);
  const feedUrl = await feed.listen();
  const suffix = `${rate.changesPerSecond}-${process.pid}`;
  const child = spawn(
    process.execPath,
    [
      fileURLToPath(new URL("../bin/velostream.js", import.meta.url)),
      "run",
      `--feed=${feedUrl}`,
      `--interval=${rate.intervalMs}ms`,
      "--port=0",
      "--log-level=warn",
      ...(brokers === null
        ? []
        : [
            `--brokers=${brokers}`,
            `--raw-topic=raw-${suffix}`,
            `--totals-topic=totals-${suffix}`,
            `--rejects-topic=rejects-${suffix}`,
            `--group=group-${suffix}`,
          ]),
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  process.once("exit", () => child.kill("SIGKILL"));
  const url = await addressOf(child);
  const stop = new AbortController();
  const seen: { readonly area: string; readonly asOfMs: number; readonly atMs: number }[] = [];
  const reading = readEvents(`${url.replace(/\/$/, "")}/api/v1/events`, stop.signal, (areas, atMs) => {
    for (const { key, as_of: asOfMs } of areas) seen.push({ area: key, asOfMs, atMs });
  });
  await sleep(WARM_UP_SECONDS * 1000);
  const fromMs = Date.now();
  await sleep(rate.seconds * 1000);
  const untilMs = Date.now();
  await sleep(2_000);
  stop.abort();
  await reading;
  child.kill("SIGKILL");
  feed.close();

  const latencies: number[] = [];
  let missed = 0;
  const arrivals = Map.groupBy(seen, ({ area }) => area);
  for (const poll of feed.polls) {
    if (poll.atMs < fromMs || poll.atMs >= untilMs) continue;
    for (const [area, changes] of poll.changes) {
      // The first totals that are as of this answer or a later one: they count the change.
      const event = arrivals.get(area)?.find(({ asOfMs }) => asOfMs >= poll.atMs);
      if (event === undefined) missed += changes;
      else for (let change = 0; change < changes; change += 1) latencies.push(event.atMs - poll.atMs);
    }
  }
  return { latencies: latencies.sort((a, b) => a - b), missed };
}

async function addressOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stderr as NodeJS.ReadableStream })) {
    const address = /Live page and API: (\S+)/.exec(line)?.[1];
    if (address !== undefined) {
      child.stderr?.resume();
      return address;
    }
  }
  throw new Error("velostream run ended before it served");
}

async function readEvents(
  url: string,
  signal: AbortSignal,
  onAreas: (areas: readonly AreaEvent[], atMs: number) => void,
): Promise<void> {
  try {
    const response = await fetch(url, { signal, headers: { accept: "text/event-stream" } });
    if (response.body === null) throw new Error("no event stream");
    let rest = "";
    for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
      const atMs = Date.now();
      const events = (rest + chunk).split("\n\n");
      rest = events.pop() ?? "";
      for (const event of events) {
        if (!/^event: delta$/m.test(event)) continue;
        const data = /^data: (.*)$/m.exec(event)?.[1] ?? "{}";
        onAreas((JSON.parse(data) as { areas: AreaEvent[] }).areas, atMs);
      }
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

async function sleep(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs));
}

const figures: Figure[] = [];
let missedInAll = 0;
let worst99 = 0;
const broker = await startBroker({ heapMb: 512 });
try {
  for (const [log, brokers] of [
    ["memory log", null],
    ["Kafka", broker.brokers.join(",")],
  ] as const)
    for (const rate of RATES) {
      const { latencies, missed } = await measure(rate, brokers);
      missedInAll += missed;
      const p99 = quantile(latencies, 0.99);
      if (rate.changesPerSecond <= 100) worst99 = Math.max(worst99, p99);
      const name = `${log}, ${rate.changesPerSecond.toLocaleString("en")} changes/s`;
      figures.push(
        figure(name, "ms", latencies),
        figure(`${name}: p99`, "ms", [p99]),
        figure(`${name}: p99.9`, "ms", [quantile(latencies, 0.999)]),
      );
      console.error(
        `${name}: p50 ${quantile(latencies, 0.5)} p99 ${p99} ms, ${latencies.length} changes, ${missed} missed`,
      );
    }
} finally {
  await broker.stop();
}
report({
  name: "end-to-end-latency",
  claim: `up to 100 changes a second are in a client of the event stream within ${LIMIT_MS} ms of the feed's answer (p99), through Kafka too, and none is missed at 10,000`,
  holds: worst99 < LIMIT_MS && missedInAll === 0,
  figures,
  facts: {
    missed: missedInAll,
    excluded: "the wait for the next poll",
    process: "collect, aggregate and serve in one process, one client; feed and client in another",
  },
});
process.exit(0);
