/** The MQTT sink against a real Mosquitto: what is retained is what a recount says, whatever was killed in between. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { connectAsync } from "mqtt";
import { topicSpecs } from "../../../src/log/topics.ts";
import { MemoryLog } from "../../../src/log/memory-log.ts";
import type { Clock, ProduceRecord } from "../../../src/ports.ts";
import { areaKey, stationKey } from "../../../src/record/keys.ts";
import { openMqtt, type MqttSettings } from "../../../src/stages/sinks/mqtt/open-mqtt.ts";
import { follow } from "../../../src/stages/follow.ts";
import { selfSigned } from "../../support/certificate.ts";
import { freePort, mosquitto, type Mosquitto } from "../../support/mosquitto.ts";
import { stageContext } from "../../support/run-sink.ts";
import { countingMetrics, silentLogger } from "../../support/silent.ts";

const TOPICS = { raw: "raw", totals: "totals", rejects: "rejects" };
/** Seconds of waiting pass twenty times as fast. */
const clock: Clock = {
  now: () => Date.now(),
  sleep: async (ms, signal) => {
    await delay(ms / 20, undefined, { signal }).catch(() => {});
  },
};
const SETTINGS: MqttSettings = {
  mqtt: null,
  "mqtt-stations": [],
  "mqtt-topic": "velostream",
  "mqtt-discovery": "homeassistant",
  "mqtt-username": null,
  "mqtt-password": null,
  "mqtt-ca-file": null,
};

async function pipelineTo(
  context: TestContext,
  broker: Pick<Mosquitto, "url">,
  settings: Partial<MqttSettings> = {},
) {
  const log = new MemoryLog({ clock });
  await log.createTopics(topicSpecs(TOPICS, { partitions: 1, replicationFactor: 1 }));
  const producer = await log.producer();
  const start = async () => {
    const sink = openMqtt({ ...SETTINGS, mqtt: broker.url, ...settings }, () => null);
    assert.ok(sink !== null);
    const options = { log, topics: TOPICS, clock, logger: silentLogger, metrics: countingMetrics() };
    const stop = new AbortController();
    await sink.open(stageContext(options, stop.signal));
    const following = follow({ ...options, sink }, stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await following;
      await sink.close();
    };
    context.after(end);
    return { sink, end };
  };
  return { producer, start };
}

let observedAtMs = Date.now() - 300_000;

function station(systemId: string, id: number, area: string, bikes: number): ProduceRecord {
  const value = {
    system_id: systemId,
    station_id: id,
    stationCode: `c${id}`,
    postcode: area,
    nbr_total: bikes,
    nbr_elec: 0,
    nbr_meca: bikes,
    nbr_docks: 3,
    observed_at: (observedAtMs += 1),
  };
  return { topic: "raw", key: stationKey(systemId, String(id)), value: JSON.stringify(value), partition: 0 };
}

function area(systemId: string, name: string, bikes: number | null): ProduceRecord {
  const value = {
    postcode: name,
    nbr_total: bikes,
    nbr_elec: 0,
    nbr_meca: bikes,
    system_id: systemId,
    stations: 1,
    docks: 3,
    as_of: observedAtMs,
  };
  const key = areaKey(systemId, name);
  return bikes === null
    ? { topic: "totals", key, value: null, partition: 0, headers: { system: systemId } }
    : { topic: "totals", key, value: JSON.stringify(value), partition: 0 };
}

/** Areas and stations with their bikes, as the broker holds them. */
function countsOf(retained: ReadonlyMap<string, string>): Map<string, number> {
  return new Map(
    [...retained]
      .filter(([topic]) => /^velostream\/[^/]+\/(area|station)\//.test(topic))
      .map(([topic, value]) => [topic, (JSON.parse(value) as { nbr_total: number }).nbr_total]),
  );
}

async function eventually(check: () => void | Promise<void>): Promise<void> {
  for (let turn = 0; ; turn += 1) {
    try {
      return await check();
    } catch (error) {
      if (turn === 40) throw error;
      await delay(100);
    }
  }
}

const sorted = (map: ReadonlyMap<string, unknown>) => [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));

/** Small, seeded, good enough to shake things. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test(
  "forty kills of the broker leave no stale and no missing value",
  { timeout: 170_000 },
  async (context) => {
    const broker = await mosquitto();
    context.after(broker.close);
    await broker.start();
    const { producer, start } = await pipelineTo(context, broker, { "mqtt-stations": ["all"] });
    const { sink } = await start();
    const random = seeded(18);
    const pick = (count: number): number => Math.floor(random() * count);
    const wanted = new Map<string, number>();
    const step = async (): Promise<void> => {
      const [id, bikes, system] = [pick(60), pick(40), random() < 0.5 ? "velib" : "ly/on"];
      const leaves = random() < 0.3;
      const name = `zone ${id}+#`;
      const level = system === "velib" ? system : "ly%2Fon";
      const topics = [`velostream/${level}/area/zone ${id}%2B%23`, `velostream/${level}/station/${id}`];
      for (const topic of topics) {
        if (leaves) wanted.delete(topic);
        else wanted.set(topic, bikes);
      }
      await producer.publish([
        leaves ? { ...station(system, id, name, 0), value: null } : station(system, id, name, bikes),
        area(system, name, leaves ? null : bikes),
      ]);
    };
    for (let kill = 0; kill < 40; kill += 1) {
      const steps = pick(60);
      for (let turn = 0; turn < steps; turn += 1) {
        await step();
        if (random() < 0.2) await delay(pick(12));
      }
      await broker.kill();
      for (let turn = 0; turn < 5; turn += 1) await step();
      // Now and then long enough that it is tried in vain.
      if (random() < 0.3) await delay(80);
      await broker.start();
    }
    await eventually(async () => {
      const retained = await broker.retained();
      assert.deepEqual(sorted(countsOf(retained)), sorted(wanted));
      // Every area and station has four entities, and each of the two systems has; nothing else is announced.
      const announced = [...retained.keys()].filter((topic) => topic.startsWith("homeassistant/"));
      assert.equal(announced.length, (wanted.size + 2) * 4);
      assert.equal(retained.get("velostream/status"), "online");
      assert.equal(sink.health().ok, true);
    });
  },
);

test("what an earlier run left and nobody means any more is cleared, and strangers' topics are not", async (context) => {
  const broker = await mosquitto();
  context.after(broker.close);
  await broker.start();
  const { producer, start } = await pipelineTo(context, broker, { "mqtt-stations": ["c1", "2"] });
  await producer.publish([
    station("velib", 1, "a", 4),
    station("velib", 2, "a", 5),
    station("velib", 3, "a", 6),
    area("velib", "a", 15),
    area("velib", "b", 1),
  ]);
  const first = await start();
  await eventually(async () =>
    assert.deepEqual(
      [...countsOf(await broker.retained()).values()].toSorted((a, b) => a - b),
      [1, 4, 5, 15],
    ),
  );
  await first.end();
  assert.equal((await broker.retained()).get("velostream/status"), "offline");
  const stranger = await connectAsync(broker.url, { protocolVersion: 5 });
  await stranger.publishAsync("homeassistant/sensor/other/x/config", "{}", { retain: true, qos: 1 });
  await stranger.publishAsync("velostream2/velib/area/a", '{"nbr_total":7}', { retain: true, qos: 1 });
  // While nobody runs, an area leaves.
  await producer.publish([area("velib", "b", null), { ...station("velib", 2, "a", 0), value: null }]);
  await start();
  await eventually(async () => {
    const retained = await broker.retained();
    assert.deepEqual(
      [...countsOf(retained).values()].toSorted((a, b) => a - b),
      [4, 15],
    );
    assert.ok(
      retained.has("homeassistant/sensor/other/x/config") && retained.has("velostream2/velib/area/a"),
    );
    assert.equal(
      [...retained.keys()].filter((topic) => topic.startsWith("homeassistant/sensor/velostream/")).length,
      12,
    );
  });
  await stranger.endAsync();
});

test("Home Assistant that comes back is told everything again", async (context) => {
  const broker = await mosquitto();
  context.after(broker.close);
  await broker.start();
  const { producer, start } = await pipelineTo(context, broker);
  await producer.publish([area("velib", "75016", 15)]);
  await start();
  const assistant = await connectAsync(broker.url, { protocolVersion: 5 });
  await eventually(async () => assert.equal(countsOf(await broker.retained()).size, 1));
  const heard: string[] = [];
  assistant.on("message", (topic, _payload, packet) => void (packet.retain || heard.push(topic)));
  await assistant.subscribeAsync(["homeassistant/+/#", "velostream/#"]);
  await assistant.publishAsync("homeassistant/status", "online");
  await eventually(() => {
    assert.ok(heard.includes("velostream/velib/area/75016"));
    assert.equal(heard.filter((topic) => topic.endsWith("/config")).length, 8);
  });
  await assistant.endAsync();
});

test("a login that is refused is told of, and the right one is taken", async (context) => {
  const broker = await mosquitto("allow_anonymous false\npassword_file FOLDER/passwords");
  context.after(broker.close);
  execFileSync("mosquitto_passwd", ["-b", "-c", `${broker.folder}/passwords`, "bikes", "s3cret"]);
  await broker.start();
  const login = { username: "bikes", password: "s3cret" };
  const { producer, start } = await pipelineTo(context, broker);
  const { producer: known, start: startKnown } = await pipelineTo(context, broker, {
    "mqtt-username": "bikes",
    "mqtt-password": "s3cret",
  });
  await producer.publish([area("velib", "75016", 1)]);
  await known.publish([area("velib", "75016", 15)]);
  const { sink } = await start();
  await eventually(() => assert.match(sink.health().reason ?? "", /cannot be used: .*[Nn]ot authorized/));
  await startKnown();
  await eventually(async () => assert.deepEqual([...countsOf(await broker.retained(login)).values()], [15]));
});

test("TLS with a certificate of one's own is trusted by its file, and every other way says what is wrong", async (context) => {
  const tlsPort = await freePort();
  const listener = `listener ${tlsPort} 127.0.0.1\ncertfile FOLDER/broker.pem\nkeyfile FOLDER/broker.key`;
  const broker = await mosquitto(`allow_anonymous true\n${listener}`);
  context.after(broker.close);
  const { cert } = selfSigned(broker.folder, "broker", "DNS:localhost,DNS:broker.example");
  const other = selfSigned(broker.folder, "other", "DNS:localhost");
  await broker.start();
  const url = `mqtts://localhost:${tlsPort}`;
  const right = await pipelineTo(context, { url }, { "mqtt-ca-file": cert });
  await right.producer.publish([area("velib", "75016", 15)]);
  const { sink, end } = await right.start();
  await eventually(async () => assert.deepEqual([...countsOf(await broker.retained()).values()], [15]));
  assert.equal(sink.health().ok, true);
  await end();

  const reasonWith = async (settings: Partial<MqttSettings>, at = url): Promise<string> => {
    const { start } = await pipelineTo(context, { url: at }, settings);
    const { sink: refused, end: endRefused } = await start();
    await eventually(() => assert.doesNotMatch(refused.health().reason ?? "", /not answered yet|^$/));
    const { ok, reason } = refused.health();
    await endRefused();
    assert.equal(ok, false);
    return reason ?? "";
  };
  assert.match(await reasonWith({}), /not signed by an authority that is trusted here.*--mqtt-ca-file/);
  await assert.rejects(reasonWith({ "mqtt-ca-file": cert }, broker.url), /not called by TLS/);
  assert.match(await reasonWith({ "mqtt-ca-file": other.cert }), /not signed by an authority/);
  const byAddress = `mqtts://127.0.0.1:${tlsPort}`;
  assert.match(
    await reasonWith({ "mqtt-ca-file": cert }, byAddress),
    /for other names than the one in --mqtt/,
  );
  assert.match(
    await reasonWith({}, `mqtts://localhost:${broker.port}`),
    /does not speak TLS|reset the connection; if that lasts/,
  );
  assert.match(
    await reasonWith({}, `mqtt://localhost:${tlsPort}`),
    /closed the connection|reset the connection/,
  );
});
