/** Batches made to be too much, on a real broker: every process that reads them goes on, in little memory, and says so. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type CompressionAlgorithmValue, Producer } from "@platformatic/kafka";
import { openLog, startTestBroker } from "../../support/kafka.ts";
import { velostream, type Running } from "../../support/velostream.ts";

const MIB = 1024 * 1024;
/** Above what a process takes that has read a plain log. */
const MOST_ABOVE_REST_BYTES = 300e6;
const RAW = "velib-projet";
const REJECTS = "velib-projet-rejects";

interface Bomb {
  readonly compression: CompressionAlgorithmValue;
  readonly partition: number;
  readonly values: readonly Buffer[];
}

/** Each within a broker's megabyte once it is compressed. */
function bombs(): Bomb[] {
  const huge = Buffer.alloc(540 * MIB, " ");
  return [
    { compression: "gzip", partition: 0, values: [huge] },
    { compression: "lz4", partition: 1, values: [huge.subarray(0, 200 * MIB)] },
    { compression: "zstd", partition: 2, values: [huge.subarray(0, 200 * MIB)] },
    // Snappy compresses to a twentieth at best.
    { compression: "snappy", partition: 3, values: [huge.subarray(0, 16 * MIB)] },
    { compression: "gzip", partition: 1, values: Array.from({ length: 100 }, () => huge.subarray(0, MIB)) },
  ];
}

function memoryOf({ process: { pid } }: Running, name: "VmHWM" | "VmRSS"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) * 1024;
}

async function addressOf(running: Running, stream: "stdout" | "stderr", pattern: RegExp): Promise<string> {
  let text = "";
  running.process[stream]?.on("data", (chunk: string) => (text += chunk));
  await running.seen(stream, pattern);
  return pattern.exec(text)?.[1] ?? "";
}

/** Waits, for as long as the test may take, until a look finds what it wants. */
async function until(what: string, look: () => Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 300; turn += 1) {
    if (await look()) return;
    await delay(100);
  }
  assert.fail(`never came: ${what}`);
}

test(
  "bombs in every compression end no process, take little memory, and are told of as rejects",
  { timeout: 150_000 },
  async (t) => {
    const broker = await startTestBroker();
    const folder = mkdtempSync(join(tmpdir(), "velostream-kafka-bombs-"));
    const brokers = broker.brokers.join(",");
    const log = openLog(broker.brokers);
    const running = new Map<string, Running>();
    const start = (name: string, ...args: readonly string[]): Running => {
      const one = velostream([...args], {}, 140_000);
      running.set(name, one);
      return one;
    };
    try {
      const city =
        "simulate --port 0 --stations 60 --change-period 1s --city-time 2026-11-20T08:30 --speed 10";
      const feed = await addressOf(start("simulate", ...city.split(" ")), "stdout", /(http:\S+)/);
      start(
        "collect",
        "collect",
        "--feed",
        feed,
        "--interval",
        "1s",
        "--brokers",
        brokers,
        "--data-dir",
        join(folder, "c"),
      );
      const page = /Live page and API: (\S+)/;
      const url = await addressOf(
        start("serve", "serve", "--brokers", brokers, "--port", "0"),
        "stderr",
        page,
      );
      const ready = async (at: string): Promise<boolean> => (await fetch(`${at}/readyz`)).status === 200;
      await until("serve is ready", () => ready(url));

      start("aggregate", "aggregate", "--brokers", brokers);
      start("archive", "archive", "--brokers", brokers, "--data-dir", join(folder, "a"));
      start("watch", "watch", "raw", "--brokers", brokers, "--json", "--from", "earliest");
      // Of a process that has read what there is.
      const restBytes = memoryOf(running.get("serve") as Running, "VmRSS");
      for (const { compression, partition, values } of bombs()) {
        const producer = new Producer({
          clientId: "stranger",
          bootstrapBrokers: [...broker.brokers],
          compression,
        });
        const messages = values.map((value) => ({
          topic: RAW,
          partition,
          key: Buffer.from("velib:1"),
          value,
        }));
        await producer.send({ messages, acks: -1 });
        await producer.close();
      }
      // What follows the bombs in their partitions is read.
      const reasons = new Set<string>();
      await until("rejects", async () => {
        for await (const { records } of log.read({ topics: [REJECTS], from: "earliest", until: "end" }))
          for (const { value } of records)
            reasons.add((JSON.parse(value?.toString() ?? "{}") as { reason: string }).reason);
        return reasons.has("batch_too_large") && reasons.has("too_large");
      });
      const again = await addressOf(
        start("serve again", "serve", "--brokers", brokers, "--port", "0"),
        "stderr",
        page,
      );
      await until("a second serve, from the start, is ready", () => ready(again));

      for (const [name, one] of running) {
        assert.equal(one.process.exitCode, null, `${name} still runs`);
        const above = memoryOf(one, "VmHWM") - restBytes;
        t.diagnostic(`${name}: ${Math.round(above / 1e6)} MB above rest at most`);
        assert.ok(above < MOST_ABOVE_REST_BYTES, `${name}: ${Math.round(above / 1e6)} MB above rest`);
      }
    } finally {
      for (const one of running.values()) one.process.kill("SIGKILL");
      await Promise.all([...running.values()].map(async ({ finished }) => finished));
      await log.close();
      await broker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
