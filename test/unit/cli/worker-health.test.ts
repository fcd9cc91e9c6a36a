/** A worker is ready while every partition of its share comes on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { WorkerHealth } from "../../../src/stages/aggregate/worker-health.ts";
import type { PartitionProgress, ProcessHandle } from "../../../src/ports.ts";

function workerThat(waiting: () => string | null): ProcessHandle {
  return { progress: () => [], waitingFor: waiting, done: Promise.resolve(), stop: () => Promise.resolve() };
}

const at = (partition: number, committedOffset: number, lagRecords: number): PartitionProgress => ({
  partition,
  committedOffset,
  lagRecords,
});

test("a worker that joins or restores is not ready, and says so", () => {
  let waiting: string | null = "joining the group g";
  const health = new WorkerHealth(workerThat(() => waiting));
  assert.deepEqual(health.state(0), { ok: false, reason: "The worker is joining the group g." });
  waiting = null;
  assert.deepEqual(health.state(0), { ok: true, reason: null });
});

test("one partition that stands still before records makes it unready, with its place, until it comes on", () => {
  const health = new WorkerHealth(workerThat(() => null));
  for (let second = 0; second <= 30; second += 1)
    health.observe([at(0, second * 10, 5), at(2, 70, second + 1)], second * 1_000);
  assert.equal(health.state(29_000).ok, true);
  assert.deepEqual(health.state(30_000), {
    ok: false,
    reason: "The worker has not come on for 30 seconds in partition 2 at offset 70, though records follow.",
  });
  health.observe([at(0, 400, 5), at(2, 71, 30)], 31_000);
  assert.equal(health.state(31_000).ok, true);
});

test("a partition without records before it may rest for ever, and one that was taken away is no longer its own", () => {
  const health = new WorkerHealth(workerThat(() => null));
  for (let second = 0; second < 600; second += 1) health.observe([at(0, 10, 0)], second * 1_000);
  assert.equal(health.state(600_000).ok, true);
  health.observe([at(0, 10, 0), at(1, 5, 3)], 600_000);
  health.observe([at(0, 10, 0)], 640_000);
  assert.equal(health.state(700_000).ok, true);
});
