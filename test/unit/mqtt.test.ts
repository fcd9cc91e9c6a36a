/** The MQTT sink's names, messages and settings; with a real broker: test/integration/mqtt. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { discoveryMessages, discoverySubscription } from "../../src/stages/sinks/mqtt/discovery.ts";
import { openMqtt, type MqttSettings } from "../../src/stages/sinks/mqtt/open-mqtt.ts";
import { level } from "../../src/stages/sinks/mqtt/topics.ts";

const SETTINGS: MqttSettings = {
  mqtt: "mqtt://localhost",
  "mqtt-stations": [],
  "mqtt-topic": "velostream",
  "mqtt-discovery": "homeassistant",
  "mqtt-username": null,
  "mqtt-password": null,
  "mqtt-ca-file": null,
};
const OPTIONS = { discovery: "homeassistant", prefix: "velostream", availabilityTopic: "velostream/status" };

test("a level of a topic holds no separator and no wildcard, and no two names share one", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (one, other) => {
      assert.doesNotMatch(level(one), /[/+#\p{Cc}]/u);
      assert.equal(level(one) === level(other), one === other);
    }),
  );
});

test("Home Assistant is given names it takes, one for each thing, below one subscription", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      const topicsOf = (id: string) =>
        discoveryMessages({ systemId: "s", kind: "area", id, name: id, stateTopic: "t" }, OPTIONS).map(
          ([topic]) => topic,
        );
      for (const topic of topicsOf(one)) {
        assert.match(topic, /^homeassistant\/sensor\/velostream\/[a-zA-Z0-9_-]+\/config$/);
        assert.ok(one === other || !topicsOf(other).includes(topic));
      }
      assert.equal(new Set(topicsOf(one)).size, 4);
    }),
  );
  assert.equal(discoverySubscription(OPTIONS), "homeassistant/sensor/velostream/+/config");
});

test("every entity says where its value is, when it is old, and whether anybody tells", () => {
  const what = {
    systemId: "velib",
    kind: "area",
    id: "75016",
    name: "75016",
    stateTopic: "velostream/velib/area/75016",
  };
  const entities = discoveryMessages(what, OPTIONS).map(
    ([, text]) => JSON.parse(text) as Record<string, unknown>,
  );
  assert.deepEqual(
    entities.map(({ name }) => name),
    ["75016 bikes", "75016 e-bikes", "75016 free docks", "75016 observed"],
  );
  for (const entity of entities) {
    assert.equal(entity["state_topic"], what.stateTopic);
    assert.equal(entity["availability_topic"], "velostream/status");
    assert.equal(entity["expire_after"], 900);
    assert.deepEqual((entity["device"] as { identifiers: unknown }).identifiers, ["velostream:velib"]);
  }
});

const WRONG: readonly [string, Partial<MqttSettings>, RegExp][] = [
  ["an address of another kind", { mqtt: "http://localhost" }, /^--mqtt: not the address of a broker/],
  ["no address", { mqtt: "localhost" }, /^--mqtt: not the address of a broker/],
  ["an address with a path", { mqtt: "mqtt://localhost/velostream" }, /^--mqtt: not the address of a broker/],
  ["a password in the address", { mqtt: "mqtt://me:s3cret@localhost" }, /VELOSTREAM_MQTT_PASSWORD/],
  ["a wildcard to begin with", { "mqtt-topic": "home/+" }, /^--mqtt-topic: "home\/\+" cannot begin a topic/],
  ["nothing to begin with", { "mqtt-topic": "" }, /^--mqtt-topic/],
  ["a topic of the broker's own", { "mqtt-discovery": "$SYS" }, /^--mqtt-discovery/],
  [
    "a file that is not there",
    { "mqtt-ca-file": "no/such.pem" },
    /^--mqtt-ca-file: no\/such\.pem cannot be read \(ENOENT\)/,
  ],
  [
    "a file without a certificate",
    { mqtt: "mqtts://localhost", "mqtt-ca-file": "package.json" },
    /^--mqtt-ca-file: package\.json holds no certificate in PEM/,
  ],
];
for (const [name, settings, says] of WRONG)
  test(`refuses ${name}, and shows no secret`, () => {
    assert.throws(
      () => openMqtt({ ...SETTINGS, ...settings }, () => null),
      (thrown: unknown) => {
        assert.ok(thrown instanceof Error);
        assert.match(thrown.message, says);
        assert.doesNotMatch(thrown.message, /s3cret/);
        return true;
      },
    );
  });

test("without an address there is no sink", () => {
  assert.equal(
    openMqtt({ ...SETTINGS, mqtt: null }, () => null),
    null,
  );
});
