/**
 * From a change in the feed to the area's new totals at a subscriber of an MQTT broker, with everything in one process and
 * over Kafka, where `velostream serve --mqtt` tells the broker: real Mosquitto, processes as people start them.
 *
 *   feed answers ──▶ velostream ──▶ (Kafka ──▶ velostream serve ──▶) Mosquitto ──▶ subscriber
 *   └─────────────────────────────── measured ────────────────────────────────────────┘
 */
import { type ChildProcess, spawn } from "node:child_process";
import { loadavg } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connectAsync } from "mqtt";
import { startBroker } from "../infra/kafka/broker.ts";
import { mosquitto } from "../test/support/mosquitto.ts";
import { ChangingFeed, type Rate } from "./support/changing-feed.ts";
import { type Figure, figure, quantile, report } from "./support/report.ts";

const RATES: readonly Rate[] = [
  { changesPerSecond: 1, stations: 1_495, intervalMs: 100, seconds: 20 },
  { changesPerSecond: 100, stations: 1_495, intervalMs: 100, seconds: 20 },
];
const WARM_UP_MS = 6_000;
const LIMIT_MS = 100;
const [loadBefore = NaN] = loadavg();

async function measure(rate: Rate, brokers: string | null, run: number): Promise<number[]> {
  const feed = new ChangingFeed(rate);
  const feedUrl = await feed.listen();
  const mqtt = await mosquitto();
  await mqtt.start();
  const topics = [`--raw-topic=raw-${run}`, `--totals-topic=totals-${run}`];
  const kafka =
    brokers === null
      ? []
      : [`--brokers=${brokers}`, ...topics, `--rejects-topic=rejects-${run}`, `--feeds-topic=feeds-${run}`];
  const told = [`--mqtt=${mqtt.url}`, "--mqtt-discovery=none", "--port=0", "--log-level=warn"];
  const collecting = ["run", `--feed=${feedUrl}`, `--interval=${rate.intervalMs}ms`, "--no-archive"];
  const children =
    brokers === null
      ? [await start([...collecting, ...told])]
      : [
          await start([...collecting, ...kafka, `--group=group-${run}`, "--port=0", "--log-level=warn"]),
          await start(["serve", ...kafka, ...told]),
        ];
  const seen: { readonly area: string; readonly asOfMs: number; readonly atMs: number }[] = [];
  const subscriber = await connectAsync(mqtt.url, { protocolVersion: 5 });
  subscriber.on("message", (_topic, payload) => {
    const atMs = Date.now();
    if (payload.length === 0) return;
    const { postcode, as_of: asOfMs } = JSON.parse(payload.toString()) as { postcode: string; as_of: number };
    seen.push({ area: postcode, asOfMs, atMs });
  });
  await subscriber.subscribeAsync("velostream/+/area/+", { qos: 0 });
  await sleep(WARM_UP_MS);
  const fromMs = Date.now();
  await sleep(rate.seconds * 1_000);
  const untilMs = Date.now();
  await sleep(2_000);
  await subscriber.endAsync(true);
  for (const child of children) child.kill("SIGKILL");
  feed.close();
  await mqtt.close();
  const arrivals = Map.groupBy(seen, ({ area }) => area);
  const latencies: number[] = [];
  for (const poll of feed.polls) {
    if (poll.atMs < fromMs || poll.atMs >= untilMs) continue;
    for (const [area, changes] of poll.changes) {
      // The first totals that are as of this answer or a later one: they count the change. None is an infinite latency.
      const event = arrivals.get(area)?.find(({ asOfMs }) => asOfMs >= poll.atMs);
      for (let change = 0; change < changes; change += 1)
        latencies.push(event === undefined ? Infinity : event.atMs - poll.atMs);
    }
  }
  return latencies.sort((a, b) => a - b);
}

/** Resolves when it serves. */
async function start(args: readonly string[]): Promise<ChildProcess> {
  const bin = fileURLToPath(new URL("../bin/velostream.js", import.meta.url));
  const child = spawn(process.execPath, [bin, ...args], { stdio: ["ignore", "ignore", "pipe"] });
  process.once("exit", () => child.kill("SIGKILL"));
  for await (const line of createInterface({ input: child.stderr })) {
    if (!line.includes("Live page and API: ")) continue;
    child.stderr.resume();
    return child;
  }
  throw new Error(`velostream ${args[0] ?? ""} ended before it served`);
}

async function sleep(durationMs: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, durationMs));
}

const figures: Figure[] = [];
let worst99 = 0;
let run = 0;
const broker = await startBroker({ heapMb: 512 });
try {
  for (const [way, brokers] of [
    ["one process", null],
    ["run, and serve --mqtt over Kafka", broker.brokers.join(",")],
  ] as const)
    for (const rate of RATES) {
      const latencies = await measure(rate, brokers, (run += 1));
      const p99 = quantile(latencies, 0.99);
      worst99 = Math.max(worst99, p99);
      const name = `${way}, ${rate.changesPerSecond} changes/s`;
      figures.push(figure(name, "ms", latencies), figure(`${name}: p99`, "ms", [p99]));
      console.error(`${name}: p50 ${quantile(latencies, 0.5)} p99 ${p99} ms of ${latencies.length} changes`);
    }
} finally {
  await broker.stop();
}
report({
  name: "mqtt-latency",
  claim:
    "up to 100 changes a second are at a subscriber of the MQTT broker within 100 ms of the feed's answer (p99), through Kafka too",
  holds: worst99 <= LIMIT_MS,
  figures,
  facts: {
    stations: 1_495,
    pollEveryMs: 100,
    mosquitto: "Debian's, on loopback, persistence on",
    loadAverage: loadBefore.toFixed(1),
  },
});
process.exit(0);
