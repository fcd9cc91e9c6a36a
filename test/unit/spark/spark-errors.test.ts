/** What a user reads, and which exit code follows, for each kind of the Spark client's errors. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, SparkError } from "../../../src/errors.ts";
import { parseSparkAddress } from "../../../src/spark/address.ts";
import { SparkClientError } from "../../../src/spark/spark-client-error.ts";
import { isForgotten, sparkErrorOf } from "../../../src/stages/aggregate-spark/spark-errors.ts";

function refusedAddress(text: string): unknown {
  try {
    return parseSparkAddress(text);
  } catch (error) {
    return sparkErrorOf(error);
  }
}

test("a wrong address is a wrong setting, with its remedy", () => {
  for (const [text, remedy] of [
    ["localhost:15002", /localhost:15002 is not a Spark Connect address\. Write --spark like sc:/],
    ["sc://x/;colour=red", /colour .* is not understood\. Use use_ssl=true or user_id=NAME in --spark\.$/],
    [
      "sc://x/;token=hunter2",
      /must not stand in the address of Spark\. Set the variable VELOSTREAM_SPARK_TOKEN/,
    ],
  ] as const) {
    const error = refusedAddress(text);
    assert.ok(error instanceof ConfigError, text);
    assert.match(error.message, remedy);
  }
});

test("a server that is away may come back; what Spark itself says is told with its class", () => {
  const away = sparkErrorOf(new SparkClientError("unavailable", "Spark at sc://x:1 cannot be reached: no."));
  assert.ok(away instanceof SparkError && away.code === "VELOSTREAM_SPARK_UNAVAILABLE");
  const failed = sparkErrorOf(
    new SparkClientError("failed", "Spark at sc://x:1 says: no.", {
      errorClass: "INVALID_HANDLE.SESSION_CLOSED",
    }),
  );
  assert.ok(failed instanceof SparkError && failed.code === "VELOSTREAM_SPARK_FAILED");
  assert.ok(isForgotten(failed) && !isForgotten(away));
  assert.match(failed.message, /See docs\/spark\.md\.$/);
});

test("errors that are not the client's stay what they are", () => {
  const bug = new TypeError("a bug");
  assert.equal(sparkErrorOf(bug), bug);
});
