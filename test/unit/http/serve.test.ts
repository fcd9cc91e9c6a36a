/** Serving over a real log and a real socket: what is published arrives, restarts lose nothing, stopping ends cleanly. */
import assert from "node:assert/strict";
import { get } from "node:http";
import { connect, createServer } from "node:net";
import { test } from "node:test";
import { LiveView } from "../../../src/domain/live-view.ts";
import { AppError } from "../../../src/errors.ts";
import { startServing, type ServeOptions, type Serving } from "../../../src/http/serve.ts";
import { MemoryLog } from "../../../src/log/memory-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { follow } from "../../../src/stages/follow.ts";
import { ViewStage } from "../../../src/stages/view/view.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";
import { SILENT } from "../../../src/telemetry/logger.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { EXAMPLE_STATIONS, exampleRecord, type ExampleStation } from "../../support/api-server.ts";
import { TotalsWriter } from "../../support/live-records.ts";
import { stageContext } from "../../support/run-sink.ts";
import { gunzip, SseParser, StreamState } from "../../support/sse.ts";
import type { ReadRecord } from "../../../src/record/received-record.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
const clock = systemClock;
const [, basilique] = EXAMPLE_STATIONS;
assert.ok(basilique !== undefined);

interface Running {
  readonly serving: Serving;
  publish(...stations: readonly ExampleStation[]): Promise<void>;
  restart(): Promise<Running>;
  stop(): Promise<void>;
}

async function start(
  log: MemoryLog,
  totals: TotalsWriter,
  options: Partial<ServeOptions> = {},
): Promise<Running> {
  const view = new LiveView();
  const metrics = createMetrics({ process: false });
  const stopping = new AbortController();
  const context = stageContext({ log, topics: TOPICS, clock, logger: SILENT, metrics }, stopping.signal);
  const follower = new ViewStage(view);
  await follower.open(context);
  const serving = await startServing({
    view,
    follower,
    clock,
    logger: SILENT,
    metrics,
    host: "127.0.0.1",
    port: 0,
    corsOrigins: [],
    requestsPerMinute: 0,
    maxStreams: 10,
    maxStreamsOfClient: null,
    allowHosts: [],
    trustProxies: [],
    basePath: "",
    frameAncestors: [],
    tiles: null,
    checks: [{ name: "memory", check: () => log.health() }],
    ...options,
  });
  const following = follow({ ...context, sink: follower }, stopping.signal);
  await follower.whenCaughtUp;
  const stop = async (): Promise<void> => {
    stopping.abort();
    await following;
    await serving.stop();
  };
  return {
    serving,
    stop,
    publish: async (...stations) => {
      const producer = await log.producer();
      const raw = stations.map(exampleRecord);
      await producer.publish(
        raw.map(({ key, value }) => ({ topic: TOPICS.raw, key, value: textOf(value), partition: 0 })),
      );
      await producer.publish(
        totals.write(raw).map(({ key, value, headers }) => ({
          topic: TOPICS.totals,
          key,
          value: textOf(value),
          headers,
          partition: 0,
        })),
      );
    },
    restart: async () => {
      await stop();
      return start(log, totals, options);
    },
  };
}

async function startEmpty(options: Partial<ServeOptions> = {}): Promise<Running> {
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(TOPICS, { partitions: 1, replicationFactor: 1 }));
  return start(log, new TotalsWriter(), options);
}

/** Reads the stream until `done` says so; resolves with what was read and how the connection ended. */
function listen(
  url: string,
  headers: Record<string, string>,
  done: (parser: SseParser) => boolean,
): Promise<{ parser: SseParser; chunks: Buffer[]; ended: boolean }> {
  return new Promise((resolve, reject) => {
    const parser = new SseParser();
    const chunks: Buffer[] = [];
    const request = get(`${url}/api/v1/events`, { headers, agent: false }, (response) => {
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        if (headers["accept-encoding"] === undefined) parser.push(chunk.toString("utf8"));
        if (done(parser)) {
          request.destroy();
          resolve({ parser, chunks, ended: false });
        }
      });
      response.on("end", () => resolve({ parser, chunks, ended: true }));
      response.on("error", () => resolve({ parser, chunks, ended: false }));
    });
    request.on("error", reject);
  });
}

const stationsIn = (parser: SseParser): number => {
  const state = new StreamState();
  for (const event of parser.events) state.apply(event);
  return state.stations.size;
};

test("a port that nobody asked for gives way to the next free one, and it is said; one that was asked for does not", async () => {
  const first = await startEmpty();
  const port = Number(new URL(first.serving.url).port);
  await assert.rejects(startEmpty({ port }), /is taken by another program/);
  const second = await startEmpty({ port, morePorts: 50 });
  assert.equal(second.serving.takenPort, port);
  assert.ok(Number(new URL(second.serving.url).port) > port);
  assert.equal((await fetch(`${second.serving.url}/healthz`)).status, 200);
  await Promise.all([first.stop(), second.stop()]);
});

test("what is published arrives at a listening client, and in the answers", async () => {
  const running = await startEmpty();
  const { url } = running.serving;
  const listening = listen(url, {}, (parser) => stationsIn(parser) === 3);
  await running.publish(...EXAMPLE_STATIONS);
  await listening;
  const areas = (await (await fetch(`${url}/api/v1/areas`)).json()) as { areas: { key: string }[] };
  assert.deepEqual(
    areas.areas.map(({ key }) => key),
    ["75016", "93200"],
  );
  assert.equal((await fetch(`${url}/readyz`)).status, 200);
  await running.stop();
});

test("a compressed stream is one gzip stream that unpacks as it comes", async () => {
  const running = await startEmpty();
  await running.publish(...EXAMPLE_STATIONS);
  let received: Buffer[] = [];
  const { chunks } = await listen(running.serving.url, { "accept-encoding": "gzip" }, () => {
    received = [...received, Buffer.alloc(0)];
    return received.length >= 4;
  });
  const parser = new SseParser();
  parser.push(await gunzip(chunks));
  assert.equal(stationsIn(parser), 3);
  await running.stop();
});

test("after a restart the state is back from the log, and an old id brings a snapshot", async () => {
  const first = await startEmpty();
  await first.publish(...EXAMPLE_STATIONS);
  const { parser } = await listen(first.serving.url, {}, (parser) => stationsIn(parser) === 3);
  const second = await first.restart();
  const again = await listen(
    second.serving.url,
    { "last-event-id": parser.lastEventId },
    (parser) => stationsIn(parser) === 3,
  );
  assert.ok(again.parser.events.some(({ event }) => event === "snapshot"));
  await second.stop();
});

test("stopping tells the clients, ends their streams and frees the port", async () => {
  const running = await startEmpty();
  await running.publish(...EXAMPLE_STATIONS);
  let stopped: Promise<void> | undefined;
  const { parser, ended } = await listen(running.serving.url, {}, (parser) => {
    if (stationsIn(parser) === 3) stopped ??= running.stop();
    return false;
  });
  assert.equal(parser.events.at(-1)?.event, "resync");
  assert.ok(ended);
  await stopped;
  await running.serving.stop();
  await assert.rejects(fetch(`${running.serving.url}/healthz`));
});

test("a taken port, and a host that is not ours, are errors with a remedy", async () => {
  const squatter = createServer();
  await new Promise<void>((resolve) => squatter.listen(0, "127.0.0.1", resolve));
  const { port } = squatter.address() as { port: number };
  await assert.rejects(startEmpty({ port }), (error) => {
    assert.ok(error instanceof AppError);
    assert.equal(error.code, "VELOSTREAM_HTTP_PORT");
    assert.match(error.message, new RegExp(`Port ${port} .* --port 0`));
    return true;
  });
  squatter.close();
  await assert.rejects(startEmpty({ host: "192.0.2.1" }), /not an address of this machine.*--host/);
});

test("rubbish on the socket is refused and costs nobody else", async () => {
  const running = await startEmpty();
  await running.publish(...EXAMPLE_STATIONS);
  const { port, hostname } = new URL(running.serving.url);
  const say = (text: string): Promise<string> =>
    new Promise((resolve) => {
      let answer = "";
      const socket = connect(Number(port), hostname, () => socket.end(text));
      socket.on("data", (chunk) => (answer += chunk.toString()));
      socket.on("close", () => resolve(answer));
      socket.on("error", () => {});
    });
  assert.match(await say("\x16\x03\x01\x02\x00rubbish\r\n\r\n"), /^HTTP\/1\.1 400/);
  assert.match(
    await say(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${"a".repeat(10_000)}\r\n\r\n`),
    /^HTTP\/1\.1 431/,
  );
  assert.match(
    await say("GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
    // With the page built its file server answers, without it the router.
    /^HTTP\/1\.1 40[04]/,
  );
  assert.match(
    await say(
      "GET /api/v1/areas HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
    ),
    /^HTTP\/1\.1 200/,
  );
  assert.equal((await fetch(`${running.serving.url}/readyz`)).status, 200);
  await running.stop();
});

test("a client of HTTP/1.0, and one whose stream waits behind another answer, get the same events", async () => {
  const running = await startEmpty();
  await running.publish(...EXAMPLE_STATIONS);
  const { port, hostname, host } = new URL(running.serving.url);
  const read = (request: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = "";
      const socket = connect(Number(port), hostname, () => socket.write(request));
      socket.on("data", (chunk) => {
        text += chunk.toString();
        if (!text.includes("event: snapshot") || !/\n\n(\r\n)?$/.test(text)) return;
        socket.destroy();
        resolve(text);
      });
      socket.on("error", reject);
    });
  const old = await read(`GET /api/v1/events HTTP/1.0\r\nHost: ${host}\r\n\r\n`);
  assert.doesNotMatch(old, /transfer-encoding/i);
  const [, body = ""] = old.split("\r\n\r\n");
  const parser = new SseParser();
  parser.push(body);
  assert.equal(stationsIn(parser), 3);
  const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const pipelined = await read(get("/api/v1/areas") + get("/api/v1/events"));
  assert.match(pipelined, /"areas":\[[^]*HTTP\/1\.1 200 OK[^]*text\/event-stream[^]*event: snapshot/);
  await running.stop();
});

function textOf(value: ReadRecord["value"]): string | null {
  return value === null ? null : value.toString("utf8");
}
