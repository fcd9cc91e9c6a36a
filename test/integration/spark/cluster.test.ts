/** The totals on a cluster of two workers, behind a token: an executor dies, the table is the reducer's all the same. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../../src/errors.ts";
import { parseSparkAddress } from "../../../src/spark/address.ts";
import { SparkSession } from "../../../src/spark/session.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";
import { recordedHistory } from "../../support/recorded-history.ts";
import { assertRecountsOfPrefixes, assertSameTable, readAll } from "../../support/totals-judge.ts";
import {
  makeTopics,
  PARTITIONS,
  publish,
  startGround,
  superviseInProcess,
  until,
  untilSameTable,
} from "./spark-support.ts";

test("an executor is killed on a cluster that wants a token", async (t) => {
  const ground = await startGround({ workers: 2, token: "let-me-in" });
  t.after(() => ground.stop());
  const stranger = new SparkSession({
    address: parseSparkAddress(ground.spark.url),
    clock: systemClock,
    token: "wrong",
  });
  await assert.rejects(stranger.version(), (error) => {
    assert.ok(error instanceof ConfigError);
    assert.match(error.message, /VELOSTREAM_SPARK_TOKEN/);
    assert.doesNotMatch(error.message, /wrong/);
    return true;
  });
  stranger.close();

  const topics = await makeTopics(ground.log, "cluster");
  const history = recordedHistory({
    seed: 4,
    polls: 200,
    stations: 60,
    areas: 6,
    partitions: PARTITIONS,
    topic: topics.raw,
  }).flat();
  const half = Math.ceil(history.length / 2);
  await publish(ground.log, history.slice(0, half));
  const supervisor = superviseInProcess(ground, topics, "let-me-in");
  await until("a first batch", () => supervisor.batches() > 0);
  const [victim] = ground.spark.executorPids();
  assert.ok(victim !== undefined, "the cluster has executors");
  process.kill(victim, "SIGKILL");
  await publish(ground.log, history.slice(half));
  await untilSameTable(ground.log, topics);
  supervisor.child.kill("SIGINT");
  assert.equal(await supervisor.exited, 0);
  await assertSameTable(ground.log, topics);
  assertRecountsOfPrefixes(await readAll(ground.log, topics.raw), await readAll(ground.log, topics.totals));
});
