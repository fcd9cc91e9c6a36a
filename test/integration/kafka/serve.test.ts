/** `serve` over a real Kafka: the answers of the log alone are those of the process that collects; a broker that goes is said. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { AreasAnswer, HealthAnswer, StationsAnswer } from "../../../src/http/api-types.ts";
import { SseParser, StreamState } from "../../support/sse.ts";
import { startTestBroker } from "../../support/kafka.ts";
import { velostream, type Running } from "../../support/velostream.ts";

async function urlOf(running: Running, stream: "stdout" | "stderr", pattern: RegExp): Promise<string> {
  let text = "";
  running.process[stream]?.on("data", (chunk: string) => (text += chunk));
  await running.seen(stream, pattern);
  return pattern.exec(text)?.[1] ?? "";
}

async function json<T>(url: string): Promise<T> {
  return (await (await fetch(url)).json()) as T;
}

/** Waits, for as long as the test may take, until `check` no longer throws. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await check();
    } catch (error) {
      if (turn === 200) throw error;
      await delay(100);
    }
  }
}

test(
  "serve knows from the log alone what run knows, also after a restart, and follows what comes",
  { timeout: 150_000 },
  async () => {
    const broker = await startTestBroker();
    const started: Running[] = [];
    const start = (...args: readonly string[]): Running => {
      const running = velostream(args);
      started.push(running);
      return running;
    };
    try {
      const brokers = broker.brokers.join(",");
      const feed = await urlOf(
        start(
          // At night too few ride for a change a second.
          ..."simulate --port 0 --stations 120 --change-period 1s --city-time 2026-11-20T08:30 --speed 10".split(
            " ",
          ),
        ),
        "stdout",
        /(http:\S+)/,
      );
      const run = start(
        "run",
        "--feed",
        feed,
        "--interval",
        "1s",
        "--brokers",
        brokers,
        "--port",
        "0",
        "--no-archive",
      );
      const page = /Live page and API: (\S+)/;
      const collecting = await urlOf(run, "stderr", page);
      const serve = (): Running => start("serve", "--brokers", brokers, "--port", "0", "--for", "60s");
      const first = serve();
      const url = await urlOf(first, "stderr", page);

      await eventually(async () => {
        const { stations } = await json<StationsAnswer>(`${url}/api/v1/stations`);
        assert.equal(stations.length, 120);
        assert.equal((await fetch(`${url}/readyz`)).status, 200);
      });
      const stream = new SseParser();
      const aborter = new AbortController();
      const reading = readStream(`${url}/api/v1/events`, stream, aborter.signal);
      // A failure below ends the stream too: it must not be reported in the place of its cause.
      reading.catch(() => undefined);
      await eventually(async () => {
        await Promise.resolve();
        assert.ok(stream.events.filter(({ event }) => event === "delta").length >= 3, "changes come");
      });

      // Nothing is collected any more: what both hold must be the same.
      run.process.kill("SIGSTOP");
      const byKey = ({ areas }: AreasAnswer): unknown => areas;
      let settled: unknown = null;
      await eventually(async () => {
        const before = settled;
        settled = byKey(await json<AreasAnswer>(`${url}/api/v1/areas`));
        assert.deepEqual(settled, before, "the last records have been read");
      });
      const state = new StreamState();
      for (const event of stream.events) state.apply(event);
      assert.deepEqual(
        [...state.areas.values()].sort((a, b) => (a.key < b.key ? -1 : 1)),
        settled,
      );
      run.process.kill("SIGCONT");
      run.process.kill("SIGTERM");
      await run.finished;
      assert.ok(collecting !== url);

      await eventually(async () => {
        const before = settled;
        settled = byKey(await json<AreasAnswer>(`${url}/api/v1/areas`));
        assert.deepEqual(settled, before);
      });
      const second = serve();
      const again = await urlOf(second, "stderr", page);
      await eventually(async () => {
        assert.deepEqual(byKey(await json<AreasAnswer>(`${again}/api/v1/areas`)), settled);
      });
      const recount = new Map<string, number>();
      for (const station of (await json<StationsAnswer>(`${again}/api/v1/stations`)).stations) {
        recount.set(station.area_key, (recount.get(station.area_key) ?? 0) + station.nbr_total);
      }
      const { areas } = await json<AreasAnswer>(`${again}/api/v1/areas`);
      assert.deepEqual(new Map(areas.map((area) => [area.key, area.nbr_total])), sorted(recount));
      aborter.abort();
      await reading;

      await broker.stop();
      await eventually(async () => {
        const { status, checks } = await json<HealthAnswer>(`${again}/readyz`);
        assert.equal(status, "unavailable");
        assert.ok(checks.some(({ name, ok, reason }) => name === "kafka" && !ok && reason !== null));
      });
      assert.deepEqual(
        byKey(await json<AreasAnswer>(`${again}/api/v1/areas`)),
        settled,
        "what is known is served",
      );
    } finally {
      for (const { process: child } of started) child.kill("SIGKILL");
      await broker.stop();
    }
  },
);

function sorted(map: ReadonlyMap<string, number>): Map<string, number> {
  return new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function readStream(url: string, parser: SseParser, signal: AbortSignal): Promise<void> {
  try {
    const { body } = await fetch(url, { signal, headers: { "accept-encoding": "identity" } });
    const decoder = new TextDecoder();
    for await (const chunk of body ?? []) parser.push(decoder.decode(chunk as Uint8Array, { stream: true }));
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
