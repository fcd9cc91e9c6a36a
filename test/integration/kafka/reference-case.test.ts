/**
 * The reference's case on the reference's brokers: topics made by hand its way, the one line of the README, and
 * Kafka's own console tools on both ends. Simulated stations stand in for the two of the reference.
 */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import { KAFKA_VERSIONS, type KafkaVersion } from "../../../infra/kafka/jars.ts";
import { startTestBroker } from "../../support/kafka.ts";

const PROGRAM = fileURLToPath(new URL("../../../bin/velostream.js", import.meta.url));
const TOPICS = ["velib-projet", "velib-projet-final-data"];

/** Kafka's tools moved between packages over the years. */
const TOOLS: Readonly<Record<KafkaVersion, { topics: string; consumer: string; producer: string }>> = {
  "4.4.0": {
    topics: "org.apache.kafka.tools.TopicCommand",
    consumer: "org.apache.kafka.tools.consumer.ConsoleConsumer",
    producer: "org.apache.kafka.tools.ConsoleProducer",
  },
  "3.6.1": {
    topics: "kafka.admin.TopicCommand",
    consumer: "kafka.tools.ConsoleConsumer",
    producer: "kafka.tools.ConsoleProducer",
  },
  "2.6.0": {
    topics: "kafka.admin.TopicCommand",
    consumer: "kafka.tools.ConsoleConsumer",
    producer: "kafka.tools.ConsoleProducer",
  },
};

const ENVIRONMENT = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(VELOSTREAM_|KAFKA_)/.test(name)),
);

/** A record as the reference's producer writes it: the station as served, no key. */
const REFERENCE_RECORD = {
  stationCode: "18001",
  station_id: 987_654_321,
  num_bikes_available: 7,
  numBikesAvailable: 7,
  num_bikes_available_types: [{ mechanical: 3 }, { ebike: 4 }],
  num_docks_available: 10,
  numDocksAvailable: 10,
  is_installed: 1,
  is_returning: 1,
  is_renting: 1,
  last_reported: 1_700_000_000,
};

describe("the reference case", { timeout: 400_000 }, () => {
  for (const version of KAFKA_VERSIONS)
    test(`runs on Kafka ${version}, on topics made the reference's way`, { timeout: 120_000 }, async () => {
      const broker = await startTestBroker({ version });
      const simulator = spawn(
        process.execPath,
        [PROGRAM, "simulate", "--port", "0", "--change-period", "1s"],
        {
          env: ENVIRONMENT,
          // Its errors stand in the test's own output: a simulator that refuses to start says why.
          stdio: ["ignore", "pipe", "inherit"],
        },
      );
      try {
        const feed = await firstLine(simulator.stdout);
        const brokers = broker.brokers[0] ?? "";
        for (const topic of TOPICS)
          broker.tool(TOOLS[version].topics, [
            "--create",
            "--topic",
            topic,
            "--bootstrap-server",
            brokers,
            "--partitions",
            "1",
            "--replication-factor",
            "1",
          ]);
        // Before us someone else wrote: the reference's producer, and something that is nobody's.
        broker.tool(TOOLS[version].producer, ["--bootstrap-server", brokers, "--topic", "velib-projet"], {
          input: `${JSON.stringify(REFERENCE_RECORD)}\nnot json at all\n`,
        });
        const line = ["--stations", "16107,32017", "--interval", "1s", "--publish", "every-poll"];
        const ran = spawnSync(
          process.execPath,
          [PROGRAM, "run", ...line, "--brokers", brokers, "--feed", feed, "--no-serve", "--for", "6s"],
          { encoding: "utf8", timeout: 60_000, env: ENVIRONMENT },
        );
        assert.equal(ran.status, 0, ran.stderr);
        assert.match(ran.stderr, /cleanup\.policy=delete, compact is wanted/);

        const raw = consume(broker, "velib-projet").filter((record) => record["stationCode"] === "16107");
        assert.ok(raw.length >= 3, `every poll is published, ${raw.length} were`);
        assert.equal(raw[0]?.["postcode"], "75016");
        assert.equal(typeof raw[0]["num_bikes_available"], "number");
        const totals = consume(broker, "velib-projet-final-data");
        for (const record of totals) {
          assert.deepEqual(Object.keys(record).slice(0, 4), [
            "postcode",
            "nbr_total",
            "nbr_elec",
            "nbr_meca",
          ]);
          assert.equal(record["nbr_total"], Number(record["nbr_elec"]) + Number(record["nbr_meca"]));
        }
        const areas = new Map(totals.map((record) => [record["postcode"], record]));
        assert.deepEqual(new Set(areas.keys()), new Set(["75016", "93200", "75018"]));
        const { nbr_total: total, nbr_elec: electric, nbr_meca: mechanical } = areas.get("75018") ?? {};
        assert.deepEqual([total, electric, mechanical], [7, 4, 3], "the reference's record counts");
        const rejects = consume(broker, "velib-projet-rejects");
        assert.deepEqual(
          rejects.map(({ reason }) => reason),
          ["not_json"],
        );
      } finally {
        simulator.kill("SIGKILL");
        await broker.stop();
      }
    });
});

/** What Kafka's console consumer prints, from the beginning; lines that are no JSON object are left out. */
function consume(broker: RunningBroker, topic: string): Record<string, unknown>[] {
  return broker
    .tool(TOOLS[broker.version].consumer, [
      "--bootstrap-server",
      broker.brokers[0] ?? "",
      "--topic",
      topic,
      "--from-beginning",
      "--isolation-level",
      "read_committed",
      "--timeout-ms",
      "3000",
    ])
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

async function firstLine(stream: NodeJS.ReadableStream): Promise<string> {
  let text = "";
  for await (const chunk of stream) {
    text += String(chunk);
    const end = text.indexOf("\n");
    if (end >= 0) return text.slice(0, end).trim();
  }
  throw new Error("the simulator printed nothing");
}
