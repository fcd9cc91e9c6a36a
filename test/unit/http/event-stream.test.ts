/** The event stream: snapshot, deltas, resume, filters, slow clients, heartbeats, draining. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReadRecord } from "../../../src/record/received-record.ts";
import * as schemas from "../../../src/http/api-schemas.ts";
import { presentArea, presentStation, type StreamFilter } from "../../../src/http/present.ts";
import { SNAPSHOT_PART_STATIONS } from "../../../src/http/stream-channel.ts";
import {
  EXAMPLE_NOW_MS,
  EXAMPLE_STATIONS,
  exampleRecord,
  exampleServer,
  type ExampleServer,
  type ExampleStation,
} from "../../support/api-server.ts";
import { gunzip, SseParser, StreamState, TestSink } from "../../support/sse.ts";
import { settled } from "../../support/test-clock.ts";

const EVERYTHING: StreamFilter = { systemId: null, areas: true, stations: true };
const [, basilique] = EXAMPLE_STATIONS;
assert.ok(basilique !== undefined);

async function join(
  server: ExampleServer,
  options: { lastEventId?: string; filter?: StreamFilter; gzip?: boolean; sink?: TestSink } = {},
): Promise<{ sink: TestSink; leave: () => void }> {
  const sink = options.sink ?? new TestSink();
  const leave = server.hub.connect({
    filter: options.filter ?? EVERYTHING,
    lastEventId: options.lastEventId ?? null,
    gzip: options.gzip ?? false,
    sink,
  });
  // The snapshot is deflated on another thread.
  if (options.gzip === true) await until(() => sink.chunks.length >= 4);
  else if (server.hub.isLive && !sink.stalled) await until(() => sink.changes.length > 0);
  else await settled();
  return { sink, leave };
}

/** How long zlib's threads may take on a machine that is busy with everything else; nothing here is about speed. */
const PATIENCE_MS = 60_000;

/**
 * Lets what is under way on other threads go on until it is done; gives up, for the assertion that follows to say what is
 * wrong. It counts time, not turns: on a busy machine a million turns are over before a snapshot is deflated.
 */
async function until(done: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS;
  while (!done() && performance.now() < endMs) {
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
}

function stateOf(sink: TestSink): StreamState {
  const state = new StreamState();
  for (const event of sink.parser.events) state.apply(event);
  return state;
}

function assertHolds(state: StreamState, server: ExampleServer): void {
  const areas = [...server.view.areas()].map(presentArea);
  const stations = [...server.view.stations()].map(presentStation);
  assert.deepEqual(Object.fromEntries(state.areas), Object.fromEntries(areas.map((a) => [a.key, a])));
  assert.deepEqual(Object.fromEntries(state.stations), Object.fromEntries(stations.map((s) => [s.key, s])));
}

test("a client gets the systems, a snapshot, then what changes, as docs/api.md shows it", async () => {
  const server = await exampleServer();
  const { sink } = await join(server, { filter: { ...EVERYTHING, stations: false } });
  server.change({ ...basilique, electric: 4, docks: 12, observedAtMs: EXAMPLE_NOW_MS });
  const [systems, snapshot, delta] = sink.parser.events;
  assert.deepEqual(
    sink.parser.events.map(({ event }) => event),
    ["systems", "snapshot", "delta"],
  );
  assert.equal(sink.parser.retryMs, 2000);
  assert.deepEqual(schemas.SystemsEvent.parse(JSON.parse(systems?.data ?? "")).now, EXAMPLE_NOW_MS);
  schemas.SnapshotEvent.parse(JSON.parse(snapshot?.data ?? ""));
  schemas.DeltaEvent.parse(JSON.parse(delta?.data ?? ""));
  const { readFileSync } = await import("node:fs");
  const documentation = readFileSync(new URL("../../../docs/api.md", import.meta.url), "utf8");
  assert.ok(documentation.includes(`event: delta\ndata: ${delta?.data}\n`), delta?.data);
  await server.app.close();
});

test("a changed station comes with its counts alone, a new or renamed one whole, a retired one as its key", async () => {
  const server = await exampleServer();
  const { sink } = await join(server);
  const stationsOf = (): unknown[] =>
    (JSON.parse(sink.changes.at(-1)?.data ?? "") as { stations: unknown[] }).stations;
  server.change({ ...basilique, electric: 4, observedAtMs: EXAMPLE_NOW_MS });
  assert.deepEqual(Object.keys(stationsOf()[0] ?? {}), Object.keys(schemas.StationCounts.shape));
  server.change({ ...basilique, name: "Basilique de Saint-Denis", observedAtMs: EXAMPLE_NOW_MS + 1 });
  const whole = Object.keys(schemas.Station.shape).filter((field) => field !== "misplaced");
  assert.deepEqual(Object.keys(stationsOf()[0] ?? {}).sort(), whole.sort());
  server.take({ partition: 0, key: `velib:${basilique.id}`, value: null, timestampMs: 0, headers: {} });
  const last = schemas.DeltaEvent.parse(JSON.parse(sink.changes.at(-1)?.data ?? ""));
  assert.deepEqual(last.stations_removed, [`velib:${basilique.id}`]);
  assert.deepEqual(last.areas_removed, ["93200"]);
  assertHolds(stateOf(sink), server);
  await server.app.close();
});

test("a client that reconnects with its last id gets what it missed, the same ids and content, and nothing twice", async () => {
  const server = await exampleServer();
  const always = await join(server);
  const first = await join(server);
  server.change({ ...basilique, electric: 4, observedAtMs: EXAMPLE_NOW_MS });
  first.leave();
  server.change({ ...basilique, electric: 3, observedAtMs: EXAMPLE_NOW_MS + 1 });
  server.change({ ...basilique, electric: 2, observedAtMs: EXAMPLE_NOW_MS + 2 });
  const second = await join(server, { lastEventId: first.sink.parser.lastEventId });
  server.change({ ...basilique, electric: 1, observedAtMs: EXAMPLE_NOW_MS + 3 });
  assert.deepEqual([...first.sink.changes, ...second.sink.changes], always.sink.changes);
  await server.app.close();
});

test("an id of another process, of another filter, from the future or made up brings a snapshot", async () => {
  const server = await exampleServer();
  const { sink } = await join(server);
  const id = sink.parser.lastEventId;
  const areasOnly = await join(server, {
    lastEventId: id,
    filter: { ...EVERYTHING, stations: false },
  });
  assert.equal(areasOnly.sink.changes[0]?.event, "snapshot");
  for (const lastEventId of [`other${id.slice(4)}`, `${id}99`, "", "7", `${id.slice(0, -1)}-1`, "\u0000"]) {
    const again = await join(server, { lastEventId });
    assert.equal(again.sink.changes[0]?.event, "snapshot", JSON.stringify(lastEventId));
    assertHolds(stateOf(again.sink), server);
  }
  await server.app.close();
});

test("a filter by system hides the others, also when they are removed", async () => {
  const server = await exampleServer();
  const { sink } = await join(server, { filter: { ...EVERYTHING, systemId: "oslo" } });
  const oslo = (docks: number, at: number): ReadRecord => ({
    partition: 0,
    key: "oslo:1",
    value: JSON.stringify({
      system_id: "oslo",
      station_id: "1",
      postcode: "oslo",
      nbr_total: 3,
      nbr_docks: docks,
      observed_at: EXAMPLE_NOW_MS + at,
    }),
    timestampMs: EXAMPLE_NOW_MS + at,
    headers: {},
  });
  server.take(oslo(1, 1));
  server.change({ ...basilique, electric: 1, observedAtMs: EXAMPLE_NOW_MS });
  server.take(oslo(2, 2));
  server.take({ partition: 0, key: `velib:${basilique.id}`, value: null, timestampMs: 0, headers: {} });
  assert.equal(sink.changes.length, 3);
  const state = stateOf(sink);
  assert.deepEqual([...state.stations.keys()], ["oslo:1"]);
  assert.deepEqual([...state.areas.keys()], ["oslo:oslo"]);
  await server.app.close();
});

test("a client that does not read is told to resync once it is too far behind, and costs no more", async () => {
  const server = await exampleServer({ maxUnreadBytes: 2_000 });
  const { sink } = await join(server);
  sink.stalled = true;
  for (let at = 1; at <= 50; at += 1) {
    server.change({ ...basilique, electric: at, observedAtMs: EXAMPLE_NOW_MS + at });
  }
  assert.ok(sink.ended);
  assert.ok(sink.unreadBytes() < 4_000, `${sink.unreadBytes()} bytes`);
  assert.equal(server.hub.clientCount, 0);
  const last = new SseParser();
  last.push(Buffer.concat(sink.chunks).toString("utf8"));
  assert.deepEqual(last.events.at(-1), { event: "resync", data: '{"reason":"slow"}', lastEventId: "" });
  assert.ok(!sink.destroyed);
  await server.clock.advance(10_000);
  assert.ok(sink.destroyed, "it had ten seconds for its last words");
  await server.app.close();
});

test("a snapshot larger than the limit is no reason to be told off while it is being read", async () => {
  const server = await exampleServer({ maxUnreadBytes: 100 });
  const sink = new TestSink();
  sink.stalled = true;
  await join(server, { sink });
  await until(() => sink.unreadBytes() > 1_000);
  assert.ok(!sink.ended);
  assert.ok(sink.unreadBytes() > 1_000);
  await server.app.close();
});

test("before the log is read to its present a client waits, with heartbeats", async () => {
  const server = await exampleServer({ live: false });
  const { sink } = await join(server);
  await server.clock.advance(15_000);
  assert.deepEqual(sink.changes, []);
  assert.equal(sink.parser.comments, 1);
  assert.deepEqual(JSON.parse(sink.parser.events.at(-1)?.data ?? ""), { now: EXAMPLE_NOW_MS + 15_000 });
  server.hub.goLive();
  await until(() => sink.changes.length > 0);
  assertHolds(stateOf(sink), server);
  await server.app.close();
});

test("a system's news is sent when it changed, and only then", async () => {
  let message: string | null = null;
  const server = await exampleServer({
    statuses: {
      statuses: () => [
        {
          description: {
            systemId: "velib",
            name: "Vélib' Métropole",
            timezone: null,
            attribution: null,
            licenseUrl: null,
            simulated: false,
          },
          state: message === null ? "live" : "failing",
          observedAtMs: EXAMPLE_NOW_MS,
          lastPoll: { atMs: EXAMPLE_NOW_MS, outcome: "changed", message },
          nextPollAtMs: null,
          pollIntervalMs: null,
          changePeriodMs: null,
          traffic: null,
          flags: [],
          rejects: [],
        },
      ],
    },
  });
  const { sink } = await join(server);
  const news = (): number => sink.parser.events.filter(({ event }) => event === "systems").length;
  assert.equal(news(), 1);
  await server.clock.advance(5_000);
  assert.equal(news(), 1);
  message = "The feed answered 503.";
  await server.clock.advance(1_000);
  assert.equal(news(), 2);
  assert.equal(stateOf(sink).systems.get("velib")?.state, "failing");
  await server.app.close();
});

test("a large city comes in parts, the id on the last one, and changes meanwhile are not lost", async () => {
  const count = SNAPSHOT_PART_STATIONS * 2 + 1;
  const city: ExampleStation[] = Array.from({ length: count }, (_, id) => ({
    ...basilique,
    id: String(id),
    code: `c${id}`,
    area: String(id % 50),
  }));
  const server = await exampleServer({ stations: city });
  const sink = new TestSink();
  server.hub.connect({ filter: EVERYTHING, lastEventId: null, gzip: false, sink });
  const [first] = city;
  assert.ok(first !== undefined);
  await new Promise<void>((resolve) => setImmediate(resolve));
  // The snapshot is being made: this change comes after it, as a delta.
  server.change({ ...first, electric: 40, observedAtMs: EXAMPLE_NOW_MS });
  await until(() => sink.changes.length === 4);
  assert.deepEqual(
    sink.changes.map(({ event, lastEventId }) => [event, lastEventId !== ""]),
    [
      ["snapshot", false],
      ["snapshot", false],
      ["snapshot", true],
      ["delta", true],
    ],
  );
  assertHolds(stateOf(sink), server);
  await server.app.close();
});

test("a compressed stream holds the same events, whenever the client joins", async () => {
  const server = await exampleServer();
  const plain = await join(server);
  const early = await join(server, { gzip: true });
  server.change({ ...basilique, electric: 4, observedAtMs: EXAMPLE_NOW_MS });
  const late = await join(server, { gzip: true });
  server.change({ ...basilique, electric: 3, observedAtMs: EXAMPLE_NOW_MS + 1 });
  for (const { sink } of [early, late]) {
    const parser = new SseParser();
    parser.push(await gunzip(sink.chunks));
    const state = new StreamState();
    for (const event of parser.events) state.apply(event);
    assertHolds(state, server);
    assert.equal(parser.lastEventId, plain.sink.parser.lastEventId);
  }
  await server.app.close();
});

test("closing the server tells every client and forgets them", async () => {
  const server = await exampleServer();
  const { sink } = await join(server);
  const waiting = await exampleServer({ live: false });
  const joining = await join(waiting);
  await server.app.close();
  await waiting.app.close();
  for (const { parser, ended } of [sink, joining.sink]) {
    assert.equal(parser.events.at(-1)?.data, '{"reason":"draining"}');
    assert.ok(ended);
  }
  assert.equal(server.hub.clientCount, 0);
});

test("what is said of an unknown record never reaches a client", async () => {
  const server = await exampleServer();
  const { sink } = await join(server);
  const before = sink.changes.length;
  server.take({ ...exampleRecord(basilique), value: "{" });
  server.take({ ...exampleRecord(basilique), key: "velib:other" });
  assert.equal(sink.changes.length, before);
  await server.app.close();
});
