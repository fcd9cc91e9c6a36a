/** The totals on a real Spark, over a real Kafka: the same as the reducer's, whatever is killed meanwhile. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ConfigError, SparkError } from "../../../src/errors.ts";
import { parseSparkAddress } from "../../../src/spark/address.ts";
import { sql } from "../../../src/spark/relations.ts";
import { SparkSession } from "../../../src/spark/session.ts";
import { isForgotten } from "../../../src/spark/spark-failure.ts";
import { checkSpark } from "../../../src/cli/spark-check.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { commandContext } from "../../support/command-context.ts";
import { recordedHistory } from "../../support/recorded-history.ts";
import { assertRecountsOfPrefixes, assertSameTable, readAll } from "../../support/totals-judge.ts";
import {
  type Ground,
  makeTopics,
  PARTITIONS,
  publish,
  startGround,
  supervise,
  superviseInProcess,
  until,
  untilSameTable,
} from "./spark-support.ts";

let ground: Ground;
before(async () => {
  ground = await startGround();
});
after(async () => {
  await ground.stop();
});

function chunks<T>(items: readonly T[], count: number): T[][] {
  const size = Math.ceil(items.length / count);
  return Array.from({ length: count }, (_, index) => items.slice(index * size, (index + 1) * size));
}

test("a session tells the version, and errors in Spark's own words", async () => {
  const session = new SparkSession({ address: parseSparkAddress(ground.spark.url), clock: systemClock });
  assert.equal(await session.version(), ground.spark.version);
  await assert.rejects(session.countRows(sql("SELECT nowhere FROM range(3)")), (error) => {
    assert.ok(error instanceof SparkError);
    assert.match(error.message, /`nowhere` cannot be resolved/);
    assert.match(String(error.details["errorClass"]), /^UNRESOLVED_COLUMN/);
    return true;
  });
  assert.equal(await session.countRows(sql("SELECT * FROM range(3)")), 3);
  await session.release();
  await assert.rejects(session.countRows(sql("SELECT 1")), isForgotten);
  session.close();
});

test("a recording of thousands of polls ends in the reducer's table, and every total is the recount of a prefix", async () => {
  const topics = await makeTopics(ground.log, "recording");
  const history = recordedHistory({
    seed: 1,
    polls: 2_000,
    stations: 60,
    areas: 6,
    partitions: PARTITIONS,
    topic: topics.raw,
  });
  const [first = [], ...later] = chunks(history.flat(), 12);
  await publish(ground.log, first);
  const supervised = supervise(ground, topics, "recording");
  for (const chunk of later) {
    await publish(ground.log, chunk);
    await until("the query", () => supervised.events.includes("spark.running"));
  }
  await untilSameTable(ground.log, topics);
  await supervised.stop();
  await assertSameTable(ground.log, topics);
  assertRecountsOfPrefixes(await readAll(ground.log, topics.raw), await readAll(ground.log, topics.totals));
});

test("an area that outgrows the query makes it begin anew, larger; rubbish becomes rejects", async () => {
  const topics = await makeTopics(ground.log, "growth");
  const shape = { seed: 2, polls: 20, partitions: PARTITIONS, topic: topics.raw, repeated: 0 };
  await publish(ground.log, recordedHistory({ ...shape, stations: 6, areas: 3 }).flat());
  const supervised = supervise(ground, topics, "growth");
  await untilSameTable(ground.log, topics);
  const small = supervised.events.filter((event) => event === "spark.generation").length;
  await publish(ground.log, recordedHistory({ ...shape, stations: 90, areas: 2, systemId: "oslo" }).flat());
  await publish(ground.log, [
    { topic: topics.raw, key: "velib:1", partition: 0, value: "{" },
    { topic: topics.raw, key: "velib:2", partition: 1, value: '{"stationCode":"16107","station_id":2}' },
  ]);
  await untilSameTable(ground.log, topics);
  await until("the rejects", async () => (await readAll(ground.log, topics.rejects)).length >= 2);
  await supervised.stop();
  assert.equal(supervised.events.filter((event) => event === "spark.generation").length, small + 1);
  await assertSameTable(ground.log, topics);
});

test("Spark, its supervisor and the broker are killed meanwhile: the same table, and no total that never was", async () => {
  const topics = await makeTopics(ground.log, "killed");
  const history = recordedHistory({
    seed: 3,
    polls: 600,
    stations: 60,
    areas: 6,
    partitions: PARTITIONS,
    topic: topics.raw,
  });
  const [one = [], two = [], three = [], four = []] = chunks(history.flat(), 4);
  let supervisor = superviseInProcess(ground, topics);
  await publish(ground.log, one);
  await until("a first batch", () => supervisor.batches() > 0);

  await ground.spark.kill();
  await publish(ground.log, two);
  const before = supervisor.batches();
  await ground.spark.restart();
  await until("a batch after Spark's death", () => supervisor.batches() > before);

  supervisor.child.kill("SIGKILL");
  await supervisor.exited;
  await publish(ground.log, three);
  supervisor = superviseInProcess(ground, topics);
  await until("a batch after the supervisor's death", () => supervisor.batches() > 0);

  await ground.broker.kill(1);
  await ground.broker.restart(1);
  await publish(ground.log, four);
  await untilSameTable(ground.log, topics);
  supervisor.child.kill("SIGINT");
  assert.equal(await supervisor.exited, 0);
  await assertSameTable(ground.log, topics);
  assertRecountsOfPrefixes(await readAll(ground.log, topics.raw), await readAll(ground.log, topics.totals));
});

test("doctor tells what Spark is and what it reaches from where it runs", async () => {
  const topics = await makeTopics(ground.log, "doctor");
  const settings = ["--spark", ground.spark.url, "--raw-topic", topics.raw];
  const found = await checkSpark(
    commandContext([...settings, "--brokers", ground.broker.brokers.join(",")], systemClock),
  );
  assert.match(found.says, /^Spark 4\.\d+\.\d+ at sc:.* reads topic doctor-raw, which is empty\.$/);
  assert.ok(found.ok);
  const lost = await checkSpark(
    commandContext([...settings, "--brokers", "localhost:9", "--spark-brokers", "127.0.0.1:9"], systemClock),
  );
  assert.equal(lost.ok, false);
  assert.match(lost.says, /--spark-brokers/);
});

test("the reference producer's records are refused in one clear sentence", async () => {
  const topics = await makeTopics(ground.log, "reference");
  await publish(ground.log, [
    { topic: topics.raw, key: "1", partition: 0, value: '{"stationCode":"16107","station_id":1}' },
  ]);
  const supervised = supervise(ground, topics, "reference");
  await assert.rejects(supervised.done, (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /velostream collect.*--engine node/);
    return true;
  });
});
