/** `/metrics` of a process without the API. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { serveMetrics } from "../../../src/cli/metrics-server.ts";
import { HttpError } from "../../../src/errors.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";

test("serves the metrics and nothing else, and says when its port is taken", async () => {
  const metrics = createMetrics({ process: false });
  metrics.set("velostream_spark_query_active", {}, 1);
  const served = await serveMetrics(metrics, "127.0.0.1", 0);
  const answer = await fetch(served.url);
  assert.equal(answer.status, 200);
  assert.match(await answer.text(), /^velostream_spark_query_active 1$/m);
  assert.equal((await fetch(new URL("/", served.url))).status, 404);
  const { port } = new URL(served.url);
  await assert.rejects(serveMetrics(metrics, "127.0.0.1", Number(port)), (error) => {
    return error instanceof HttpError && /--metrics-port/.test(error.message);
  });
  await served.close();
});
