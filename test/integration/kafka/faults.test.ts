/** Real processes, a real broker, kill -9: nothing is lost, nothing is published twice, no total is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { KAFKA_VERSIONS, NEWEST } from "../../../infra/kafka/jars.ts";
import { type FaultRunOptions, type FaultReport, faultRun } from "../../support/faults/fault-run.ts";

/** Two minutes on two idle cores; a shared machine takes longer. */
const LONGEST_MS = 600_000;

/** Two hundred in all. */
const KILLS = 140;
const KILLS_ON_CLUSTER = 30;
const KILLS_ON_OLD = 15;

/** A seed of its own for every run, printed: `npm run faults -- --seed` repeats its choices. */
const seed = Number(process.env["VELO_TEST_SEED"] ?? Date.now() % 100_000);

async function run(options: Partial<FaultRunOptions>): Promise<FaultReport> {
  const report = await faultRun({
    kills: KILLS,
    seed,
    nodes: 1,
    stations: 200,
    brokerEveryMs: 10_000,
    pauses: 5,
    report: (line) => console.error(line),
    ...options,
  });
  const { problems, finalTable, undisturbedTable, truth, ...numbers } = report;
  console.error(JSON.stringify({ seed, ...numbers }));
  assert.deepEqual(problems, []);
  assert.deepEqual(finalTable, truth);
  assert.deepEqual(undisturbedTable, truth);
  return report;
}

test(
  `${KILLS} kills of collector, workers and broker leave every total exact`,
  { timeout: LONGEST_MS },
  async () => {
    const { kills, rawRecords, totalsRecords } = await run({});
    assert.ok(kills.worker + kills.collector + kills.broker >= KILLS);
    assert.ok(rawRecords > 0 && totalsRecords > 0);
  },
);

for (const version of KAFKA_VERSIONS.filter((known) => known !== NEWEST))
  test(`so do ${KILLS_ON_OLD} kills on Kafka ${version}`, { timeout: LONGEST_MS }, async () => {
    // A Python with confluent-kafka, where .ci/run or somebody made one.
    const python = process.env["VELO_TEST_PYTHON"];
    const { kills } = await run({ version, kills: KILLS_ON_OLD, brokerEveryMs: 3_000, pauses: 1, python });
    assert.ok(kills.broker > 0);
  });

test("a cluster that loses one node at a time loses nothing else", { timeout: LONGEST_MS }, async () => {
  const { kills } = await run({ nodes: 3, kills: KILLS_ON_CLUSTER, brokerEveryMs: 1_000, pauses: 1 });
  assert.ok(kills.broker > 0);
});
