import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { Connection, type EventStream, type Link } from "../../../web/src/live/connection.ts";

type Listener = (event: { data?: string; lastEventId?: string }) => void;

class FakeStream implements EventStream {
  readonly url: string;
  closed = false;
  readonly #listeners = new Map<string, Listener>();

  constructor(url: string) {
    this.url = url;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, listener);
  }

  close(): void {
    this.closed = true;
  }

  say(type: string, data = "{}", lastEventId = ""): void {
    this.#listeners.get(type)?.({ data, lastEventId });
  }
}

describe("the page's connection", () => {
  let nowMs: number;
  let streams: FakeStream[];
  let links: Link[];
  let events: string[];
  let timers: { task: () => void; atMs: number }[];
  let connection: Connection;

  beforeEach(() => {
    nowMs = 1_000_000;
    streams = [];
    links = [];
    events = [];
    timers = [];
    connection = new Connection({
      url: "/api/v1/events",
      openStream: (url) => {
        const stream = new FakeStream(url);
        streams.push(stream);
        return stream;
      },
      now: () => nowMs,
      schedule: (task, delayMs) => {
        const timer = { task, atMs: nowMs + delayMs };
        timers.push(timer);
        return () => {
          timers = timers.filter((other) => other !== timer);
        };
      },
      random: () => 1,
      onEvent: (name) => events.push(name),
      onLink: (link) => links.push(link),
    });
    connection.open();
  });

  function pass(ms: number): void {
    const untilMs = nowMs + ms;
    for (;;) {
      const next = timers.toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      timers = timers.filter((timer) => timer !== next);
      nowMs = next.atMs;
      next.task();
    }
    nowMs = untilMs;
  }

  const latest = (): FakeStream => {
    const stream = streams.at(-1);
    assert.ok(stream);
    return stream;
  };
  const states = (): string[] => links.map((link) => link.state);

  it("is live from the first event on", () => {
    latest().say("heartbeat", '{"now":1}');
    assert.deepEqual(states(), ["connecting", "live"]);
  });

  it("reconnects after an error with the last id it saw", () => {
    latest().say("snapshot", "{}", "7");
    latest().say("delta", "{}", "a/8");
    latest().say("error");
    assert.ok(streams[0]?.closed);
    assert.equal(links.at(-1)?.state, "waiting");
    pass(1_000);
    assert.equal(streams.length, 2);
    assert.equal(latest().url, "/api/v1/events?last_event_id=a%2F8");
  });

  it("takes 40 s of silence for a dead line", () => {
    latest().say("snapshot", "{}", "7");
    pass(30_000);
    latest().say("heartbeat");
    pass(30_000);
    assert.equal(streams.length, 1);
    pass(12_000);
    assert.equal(streams.length, 2);
  });

  it("says when a silent line broke, and that the lines after it are no first attempts", () => {
    latest().say("snapshot", "{}", "7");
    pass(10_000);
    latest().say("heartbeat");
    const heardAtMs = nowMs;
    pass(40_000);
    const waiting = links.at(-1);
    assert.equal(waiting?.state === "waiting" && waiting.brokeAtMs, heardAtMs);
    pass(1_000);
    assert.deepEqual(links.at(-1), { state: "connecting", attempt: 2 });
  });

  it("gives a line up that says nothing for 20 s after it was opened", () => {
    pass(19_000);
    assert.equal(streams.length, 1);
    pass(3_000);
    assert.equal(streams.length, 2);
    assert.deepEqual(links.at(-1), { state: "connecting", attempt: 2 });
  });

  it("starts from a new snapshot when told to resync", () => {
    latest().say("snapshot", "{}", "7");
    latest().say("resync", '{"reason":"slow"}', "");
    pass(1_000);
    assert.equal(latest().url, "/api/v1/events");
    assert.deepEqual(events, ["snapshot", "resync"]);
  });

  it("waits longer after each failure, up to 15 s, and starts over once data came", () => {
    const waits: number[] = [];
    for (let failure = 0; failure < 8; failure += 1) {
      latest().say("error");
      const link = links.at(-1);
      assert.equal(link?.state, "waiting");
      waits.push(link.retryAtMs - nowMs);
      pass(link.retryAtMs - nowMs);
    }
    assert.deepEqual(waits, [1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000, 15_000]);
    latest().say("snapshot", "{}", "1");
    latest().say("error");
    const link = links.at(-1);
    assert.equal(link?.state === "waiting" && link.retryAtMs - nowMs, 500);
  });

  it("does not wait when the network comes back", () => {
    latest().say("error");
    connection.wake();
    assert.equal(streams.length, 2);
  });

  it("leaves a live line alone when the tab is shown again", () => {
    latest().say("snapshot", "{}", "1");
    pass(20_000);
    connection.wake();
    assert.equal(streams.length, 1);
  });

  it("ignores what a line it gave up still says", () => {
    latest().say("snapshot", "{}", "1");
    const old = latest();
    connection.open();
    old.say("delta", "{}", "2");
    old.say("error");
    assert.deepEqual(events, ["snapshot"]);
    assert.equal(streams.length, 2);
  });
});
