/** The operator's routes of a process without the API. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { serveMetrics } from "../../../src/session/metrics-server.ts";
import { WorkerHealth } from "../../../src/stages/aggregate/worker-health.ts";
import { checksOf, sessionStages } from "../../../src/cli/session-operations.ts";
import { HttpError } from "../../../src/errors.ts";
import type { HealthAnswer } from "../../../src/http/api-types.ts";
import { CollectorStatus } from "../../../src/stages/collect/collector-status.ts";
import type { HealthCheck, Log, ProcessHandle } from "../../../src/ports.ts";
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

test("a session is ready when the log answers, the worker works and a feed was observed", () => {
  const stages = sessionStages({ now: () => 0 });
  const reasons = (): string[] =>
    checksOf(stages)
      .map((each) => ({ name: each.name, ...each.check() }))
      .filter(({ ok }) => !ok)
      .map(({ name, reason }) => `${name}: ${reason}`);
  assert.deepEqual(reasons(), ["kafka: Kafka has not answered yet."]);
  const wellLog = { kind: "kafka", health: () => ({ ok: true, reason: null }) };
  stages.log = wellLog as Partial<Log> as Log;
  assert.deepEqual(reasons(), []);

  let waiting: string | null = "joining the group g";
  const worker = { waitingFor: () => waiting };
  stages.worker = new WorkerHealth(worker as Partial<ProcessHandle> as ProcessHandle);
  assert.deepEqual(reasons(), ["worker: The worker is joining the group g."]);
  waiting = null;
  assert.deepEqual(reasons(), []);

  const status = new CollectorStatus();
  stages.statuses = [status];
  assert.deepEqual(reasons(), ["feed: No station has been observed yet."]);
  status.failed("dns", "The feed cannot be found.", 1);
  assert.deepEqual(reasons(), ["feed: The feed cannot be found."]);
  status.lastSuccessAtMs = 2;
  assert.deepEqual(reasons(), [], "what was observed once can be aggregated");

  stages.others = [{ name: "archive", check: () => ({ ok: false, reason: "The disk is full." }) }];
  stages.stopping = true;
  assert.deepEqual(reasons(), ["pipeline: The pipeline is stopping.", "archive: The disk is full."]);
});
