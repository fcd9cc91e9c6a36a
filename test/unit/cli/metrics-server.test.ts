/** The operator's routes of a process without the API. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { serveMetrics } from "../../../src/session/metrics-server.ts";
import { Session } from "../../../src/session/session.ts";
import { AggregateStage } from "../../../src/stages/aggregate/aggregate.ts";
import { CollectStage } from "../../../src/stages/collect/collect.ts";
import { fixedSupply } from "../../../src/stages/collect/systems.ts";
import { MemoryLog } from "../../../src/log/memory-log.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { countingMetrics, silentLogger } from "../../support/silent.ts";
import { TestClock } from "../../support/test-clock.ts";
import { HttpError } from "../../../src/errors.ts";
import type { HealthAnswer } from "../../../src/http/api-types.ts";
import { CollectorStatus } from "../../../src/stages/collect/collector-status.ts";
import type { HealthCheck, LogHealth, ProcessHandle } from "../../../src/ports.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";

const host = "127.0.0.1";

test("serves the metrics and nothing else, and says when its port is taken", async () => {
  const metrics = createMetrics({ process: false });
  metrics.set("velostream_spark_query_active", {}, 1);
  const options = { metrics, host, allowHosts: [], checks: () => [] };
  const served = await serveMetrics({ ...options, port: 0 });
  const answer = await fetch(served.url);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /^velostream_spark_query_active 1$/m);
  assert.equal((await fetch(new URL("/", served.url))).status, 404);
  assert.equal((await fetch(new URL("/toString", served.url))).status, 404);
  assert.equal((await fetch(new URL("/readyz", served.url), { method: "POST" })).status, 405);
  const { port } = new URL(served.url);
  await assert.rejects(serveMetrics({ ...options, port: Number(port) }), (error) => {
    return error instanceof HttpError && /--metrics-port/.test(error.message);
  });
  await served.close();
});

test("is alive while it runs, and ready only while every check is well, with the reason when one is not", async () => {
  let away: string | null = null;
  const checks: readonly HealthCheck[] = [
    { name: "kafka", check: () => ({ ok: away === null, reason: away }) },
    { name: "pipeline", check: () => ({ ok: true, reason: null }) },
  ];
  const metrics = createMetrics({ process: false });
  const served = await serveMetrics({ metrics, host, allowHosts: [], port: 0, checks: () => checks });
  const ask = async (path: string): Promise<readonly [number, HealthAnswer]> => {
    const answer = await fetch(new URL(path, served.url));
    return [answer.status, (await answer.json()) as HealthAnswer];
  };
  const pipeline = { name: "pipeline", ok: true, reason: null };
  assert.deepEqual(await ask("/readyz"), [
    200,
    { status: "ok", checks: [{ name: "kafka", ok: true, reason: null }, pipeline] },
  ]);
  away = "Kafka does not answer.";
  assert.deepEqual(await ask("/readyz"), [
    503,
    { status: "unavailable", checks: [{ name: "kafka", ok: false, reason: away }, pipeline] },
  ]);
  assert.deepEqual(await ask("/healthz"), [200, { status: "ok", checks: [] }]);
  await served.close();
});

test("a session is ready when the log answers, the worker works and a feed was observed", async () => {
  let log: LogHealth = { ok: false, reason: "Kafka is away." };
  const clock = new TestClock();
  const memory = new MemoryLog({ clock });
  const topics = { raw: "raw", totals: "totals", rejects: "rejects" };
  await memory.createTopics(topicSpecs(topics, { partitions: 1, replicationFactor: 1 }));
  const aggregate = new AggregateStage({
    group: "g",
    "take-over": false,
    "member-id": null,
    "commit-interval": 0,
    partitions: 1,
  });
  const supply = fixedSupply([]);
  const collect = new CollectStage({ supply, publish: "changes", stations: ["all"], lossless: false });
  const session = new Session([aggregate, collect], {
    log: Object.assign(memory, { health: () => log }),
    topics,
    clock,
    logger: silentLogger,
    metrics: countingMetrics(),
    signal: new AbortController().signal,
  });
  const reasons = (): string[] =>
    session
      .checks()
      .map((each) => ({ name: each.name, ...each.check() }))
      .filter(({ ok }) => !ok)
      .map(({ name, reason }) => `${name}: ${reason}`);
  const unobserved = "feed: No station has been observed yet.";
  assert.deepEqual(reasons(), ["memory: Kafka is away.", "worker: The worker is starting.", unobserved]);
  log = { ok: true, reason: null };
  await session.open();
  assert.deepEqual(reasons(), ["worker: The worker is starting.", unobserved]);

  let waiting: string | null = "joining the group g";
  const member = { waitingFor: () => waiting, progress: () => [], done: Promise.resolve() };
  aggregate.joined(member as Partial<ProcessHandle> as ProcessHandle);
  assert.deepEqual(reasons(), ["worker: The worker is joining the group g.", unobserved]);
  waiting = null;
  assert.deepEqual(reasons(), [unobserved]);

  const status = new CollectorStatus();
  collect.collected.push(status);
  assert.deepEqual(reasons(), [unobserved]);
  status.failed("dns", "The feed cannot be found.", 1);
  assert.deepEqual(reasons(), ["feed: The feed cannot be found."]);
  status.lastSuccessAtMs = 2;
  assert.deepEqual(reasons(), [], "what was observed once can be aggregated");

  session.end();
  assert.deepEqual(reasons(), ["pipeline: The pipeline is stopping."]);
});
