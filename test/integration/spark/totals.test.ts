/** The totals on a real Spark, over a real Kafka: the same as the reducer's, whatever is killed meanwhile. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ConfigError, SparkError } from "../../../src/errors.ts";
import { MemoryLog } from "../../../src/log/memory-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import type { ProduceRecord } from "../../../src/ports.ts";
import { parseSparkAddress } from "../../../src/spark/address.ts";
import { MOST_SLOTS, observationsSql, RAW_VIEW } from "../../../src/stages/aggregate-spark/plan.ts";
import { inspectRaw } from "../../../src/stages/aggregate-spark/raw-inspection.ts";
import { read, sql, withWatermark } from "../../../src/spark/relations.ts";
import { SparkSession } from "../../../src/spark/session.ts";
import { isForgotten, sparkErrorOf } from "../../../src/stages/aggregate-spark/spark-errors.ts";
import { configureSession } from "../../../src/stages/aggregate-spark/totals-query.ts";
import { checkSpark } from "../../../src/cli/spark-check.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { commandContext } from "../../support/command-context.ts";
import { recordedHistory } from "../../support/recorded-history.ts";
import {
  assertRecountsOfPrefixes,
  assertSameTable,
  finalTable,
  readAll,
} from "../../support/totals-judge.ts";
import {
  aggregateOnNode,
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
  const session = new SparkSession({
    address: parseSparkAddress(ground.spark.url),
    clock: systemClock,
    asError: sparkErrorOf,
  });
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

test("a watermark lets a stream of windows put out those that are over", async () => {
  const session = new SparkSession({
    address: parseSparkAddress(ground.spark.url),
    clock: systemClock,
    asError: sparkErrorOf,
  });
  const ticks = read("rate", { rowsPerSecond: "50" }, true);
  const windows = (view: string): Parameters<SparkSession["start"]>[0] => ({
    name: `windows_of_${view}`,
    input: sql(`SELECT window(timestamp, '1 second') AS second, count(*) AS n FROM ${view} GROUP BY 1`),
    format: "memory",
    options: {},
    outputMode: "append",
    trigger: { kind: "interval", interval: "500 milliseconds" },
  });
  // Each task keeps state of its own: the 200 of Spark's default would take half a minute.
  await session.configure({ "spark.sql.shuffle.partitions": "2" });
  await session.createView("ticks", ticks);
  await assert.rejects(session.start(windows("ticks")), /watermark/i);
  await session.createView("late_ticks", withWatermark(ticks, "timestamp", "1 second"));
  const query = await session.start(windows("late_ticks"));
  await until("a window that is over", async () => {
    return (await session.countRows(sql("SELECT * FROM windows_of_late_ticks WHERE n = 50"))) > 0;
  });
  await query.stop();
  await session.release();
  session.close();
});

/** `RECORDING_POLLS=20000 npm run test:spark` takes longer and meets more. */
const POLLS = Number(process.env["RECORDING_POLLS"] ?? 2_000);

test(`a recording of ${POLLS} polls ends in one table in memory, on Kafka's workers and on Spark; every total is the recount of a prefix`, async () => {
  const topics = await makeTopics(ground.log, "recording");
  const nodeTopics = { ...topics, totals: "recording-node-totals" };
  const specs = topicSpecs(nodeTopics, { partitions: PARTITIONS, replicationFactor: 1 });
  await ground.log.createTopics(specs);
  const memory = new MemoryLog({ clock: systemClock });
  // Uncompacted: the recount needs every record.
  await memory.createTopics(specs.map((spec) => ({ ...spec, cleanupPolicy: "delete" })));
  const history = recordedHistory({
    seed: 1,
    polls: POLLS,
    stations: 60,
    areas: 6,
    partitions: PARTITIONS,
    topic: topics.raw,
  });
  const [first = [], ...later] = chunks(history, 12);
  const toKafka = await ground.log.producer();
  const toMemory = await memory.producer();
  // Many small transactions, so that the workers have many batches to tell of.
  const play = async (polls: readonly ProduceRecord[][]): Promise<void> => {
    for (const some of chunks(polls, Math.ceil(polls.length / 5))) {
      await toKafka.publish(some.flat());
      await toMemory.publish(some.flat());
    }
  };
  const inMemory = await aggregateOnNode(memory, nodeTopics);
  const onKafka = await aggregateOnNode(ground.log, nodeTopics, 2);
  await play(first);
  let batches = 0;
  const supervised = supervise(ground, topics, "recording", { onBatch: () => (batches += 1) });
  for (const chunk of later) {
    const before = batches;
    await until("a batch", () => batches > before);
    await play(chunk);
  }
  await Promise.all([toKafka.close(), toMemory.close()]);
  await untilSameTable(ground.log, topics);
  await untilSameTable(ground.log, nodeTopics);
  await untilSameTable(memory, nodeTopics);
  await Promise.all([supervised.stop(), onKafka.stop(), inMemory.stop()]);

  const raw = await readAll(ground.log, topics.raw);
  const rawInMemory = await readAll(memory, topics.raw);
  const bySpark = await readAll(ground.log, topics.totals);
  const byKafka = await readAll(ground.log, nodeTopics.totals);
  const byMemory = await readAll(memory, nodeTopics.totals);
  await memory.close();
  console.error(
    `${POLLS} polls, ${raw.length} raw records; totals: ${byMemory.length} in memory, ${byKafka.length} on Kafka, ${bySpark.length} on Spark`,
  );
  const table = finalTable(byMemory);
  assert.ok(table.size >= 5, "areas that are open at the end");
  assert.deepEqual(finalTable(byKafka), table);
  assert.deepEqual(finalTable(bySpark), table);
  assertRecountsOfPrefixes(rawInMemory, byMemory);
  assertRecountsOfPrefixes(raw, byKafka);
  assertRecountsOfPrefixes(raw, bySpark);
});

test("Spark takes a record exactly where the Node aggregate does", async () => {
  const sound = {
    system_id: "velib",
    station_id: "1",
    postcode: "75001",
    slot: 0,
    nbr_total: 3,
    nbr_elec: 1,
    nbr_meca: 2,
    observed_at: 1_760_000_000_000,
  };
  const text = JSON.stringify(sound);
  const but = (fields: object): string => JSON.stringify({ ...sound, ...fields });
  const values = [
    text,
    but({ station_id: 1 }),
    but({ station_id: 2 }),
    but({ station_id: -1 }),
    text.replace('"station_id":"1"', '"station_id":1.0'),
    text.replace('"station_id":"1"', '"station_id":1e0'),
    text.replace('"station_id":"1"', '"station_id":0.1e1'),
    text.replace('"station_id":"1"', '"station_id":1.5'),
    text.replace('"station_id":"1"', '"station_id":9007199254740993'),
    text.replace('"station_id":"1"', '"station_id":1e300'),
    but({ system_id: 7 }),
    but({ postcode: 75_001 }),
    but({ postcode: "" }),
    but({ postcode: null }),
    but({ station_id: true }),
    but({ station_id: ["1"] }),
    but({ slot: "0" }),
    but({ slot: -1 }),
    but({ slot: 0.5 }),
    but({ slot: null }),
    but({ nbr_total: "3" }),
    but({ nbr_total: 3.5 }),
    but({ nbr_total: -3 }),
    but({ nbr_total: null }),
    but({ nbr_elec: null, nbr_meca: null }),
    but({ nbr_elec: "many" }),
    but({ nbr_meca: true }),
    but({ nbr_docks: {} }),
    but({ nbr_docks: 1e300 }),
    but({ observed_at: "2026-01-01" }),
    but({ retired: "true", simulated: 1 }),
    but({ feed_says: { deep: [1, { more: null }] } }),
    text.replace('"slot":0', '"slot":0.0'),
    text.replace('"nbr_total":3', '"nbr_total":3e0'),
    text.replace('"nbr_total":3', '"nbr_total":9007199254740991'),
    text.replace('"nbr_total":3', '"nbr_total":9007199254740993'),
    text.replace('"nbr_total":3', '"nbr_total":NaN'),
    text.replace('"nbr_total":3', '"nbr_total":7,"nbr_total":3'),
    text.replace('"nbr_total":3', '"nbr_total":7,"nbr_total":"x"'),
    text.replaceAll('"', "'"),
    `${text} x`,
    `${text}${text}`,
    ` ${text}\n`,
    `[${text}]`,
    text.slice(0, -1),
    "null",
    "7",
    "",
  ];
  const hex = (value: string): string => Buffer.from(value).toString("hex");
  const session = new SparkSession({
    address: parseSparkAddress(ground.spark.url),
    clock: systemClock,
    asError: sparkErrorOf,
  });
  await configureSession(session, {
    topics: { raw: "-", totals: "-", rejects: "-" },
    kafka: {},
    trigger: { kind: "available-now" },
    compression: "gzip",
    writer: "spark:test:0",
    shufflePartitions: 1,
  });
  const rows = values.map((value, index) => `(${index}L, unhex('${hex(value)}'))`).join(", ");
  await session.createView(
    RAW_VIEW,
    sql(
      `SELECT 0 AS partition, n AS offset, unhex('${hex("velib:1")}') AS key, value, current_timestamp() AS timestamp FROM VALUES ${rows} AS t(n, value)`,
    ),
  );
  const different: string[] = [];
  for (const [index, value] of values.entries()) {
    const taken = await session.countRows(
      sql(`SELECT * FROM (${observationsSql()}) WHERE problem IS NULL AND offset = ${index}`),
    );
    const node = new MemoryLog({ clock: systemClock });
    const topics = { raw: "raw", totals: "totals", rejects: "rejects" };
    await node.createTopics(topicSpecs(topics, { partitions: 1, replicationFactor: 1 }));
    await publish(node, [{ topic: "raw", key: "velib:1", partition: 0, value }]);
    const { usable } = await inspectRaw(node, topics, "earliest", new Map());
    if (usable !== taken) different.push(`${value}: Node ${usable}, Spark ${taken}`);
  }
  await session.release();
  session.close();
  assert.deepEqual(different, []);
});

test("real-time mode is refused at once by a server that cannot do it", async () => {
  const topics = await makeTopics(ground.log, "real-time");
  const supervised = supervise(ground, topics, "real-time", {
    trigger: { kind: "real-time", batchDuration: "60000 milliseconds" },
  });
  await assert.rejects(supervised.done, (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /is 4\.\d+\.\d+; .*Leave --spark-real-time out\.$/);
    return true;
  });
});

test("an area that outgrows the query makes it begin anew, larger, up to a limit; rubbish becomes rejects", async () => {
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
  assert.equal(supervised.events.filter((event) => event === "spark.generation").length, small + 1);
  await assertSameTable(ground.log, topics);

  const [foreign] = recordedHistory({ ...shape, stations: 1, areas: 1, polls: 1, systemId: "lima" }).flat();
  assert.ok(foreign !== undefined);
  const withSlot = (slot: number): string => String(foreign.value).replace('"slot":0', `"slot":${slot}`);
  await publish(ground.log, [
    { ...foreign, value: withSlot(1_000_000_000) },
    { ...foreign, value: withSlot(MOST_SLOTS) },
  ]);
  await until("two more rejects", async () => (await readAll(ground.log, topics.rejects)).length >= 4);
  // Of several partitions, in no order of time.
  const refused = (await readAll(ground.log, topics.rejects))
    .map(({ value }) => String(value))
    .filter((reject) => /"reason":"slot_too_large".*growth-raw:\d+:\d+ slot/.test(reject));
  assert.equal(refused.length, 2);

  const [one] = recordedHistory({ ...shape, stations: 1, areas: 1, polls: 1, systemId: "rome" }).flat();
  assert.ok(one !== undefined);
  const crowd = Array.from({ length: MOST_SLOTS + 1 }, (_, slot) => ({
    ...one,
    key: `rome:${slot}`,
    value: JSON.stringify({ ...(JSON.parse(String(one.value)) as object), station_id: String(slot), slot }),
  }));
  await publish(ground.log, crowd);
  await assert.rejects(supervised.done, (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /Area rome:75000 .* more than 1024 places .*--engine node/);
    return true;
  });
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
  assert.match(
    found.says,
    /^Spark 4\.\d+\.\d+ at sc:.* reads topic doctor-raw, which is empty; no query of this data folder runs there\.$/,
  );
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
