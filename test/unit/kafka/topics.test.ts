/** How an existing topic differs from the wanted one, and what that costs. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { differences } from "../../../src/log/kafka/topics.ts";
import { topicSpecs } from "../../../src/log/topics.ts";

const names = { raw: "raw", totals: "totals", rejects: "rejects" };
const [raw] = topicSpecs(names, { partitions: 4, replicationFactor: 3 });

test("a topic made the reference's way says what is lost, in words", () => {
  assert.ok(raw !== undefined);
  const found = {
    partitions: 1,
    replicationFactor: 1,
    configs: new Map([
      ["cleanup.policy", "delete"],
      ["retention.ms", "604800000"],
      ["min.compaction.lag.ms", "0"],
    ]),
  };
  assert.deepEqual(differences(raw, found), [
    "has 1 partition, 4 were asked for: at most 1 worker can share it",
    "has 1 replica, 3 were asked for: it survives the loss of 0 brokers",
    "has cleanup.policy=delete, compact is wanted: every record is kept for 7 days instead of the last one per key, so restores read more, and what did not change for longer is forgotten",
    "has min.compaction.lag.ms=0, 3600000 is wanted: a worker that restores may find records gone that it had summed, and puts out every area anew",
  ]);
});

test("a topic as wanted, or with more, differs in nothing that matters", () => {
  assert.ok(raw !== undefined);
  const configs = new Map([
    ["cleanup.policy", "compact"],
    ["min.compaction.lag.ms", "3600000"],
    ["retention.ms", "1"],
  ]);
  assert.deepEqual(differences(raw, { partitions: 4, replicationFactor: 5, configs }), []);
});

test("nobody who did not ask for a number of partitions is warned of another", () => {
  const [spec] = topicSpecs(names, { partitions: 4, partitionsByDefault: true, replicationFactor: 1 });
  assert.ok(spec !== undefined);
  const configs = new Map([["cleanup.policy", "compact"]]);
  for (const partitions of [1, 3, 6])
    assert.deepEqual(differences(spec, { partitions, replicationFactor: 1, configs }), []);
  const asked = { ...spec, partitionsByDefault: false };
  assert.deepEqual(differences(asked, { partitions: 6, replicationFactor: 1, configs }), [
    "has 6 partitions, 4 were asked for",
  ]);
});

test("settings that may not be read are no difference: no stage needs that right", () => {
  assert.ok(raw !== undefined);
  assert.deepEqual(differences(raw, { partitions: 4, replicationFactor: 3, configs: null }), []);
});
