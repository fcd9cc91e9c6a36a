/** Which servers run the totals in real-time mode. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError } from "../../../src/errors.ts";
import { parseSparkAddress } from "../../../src/spark/address.ts";
import { requireRealTime } from "../../../src/stages/aggregate-spark/real-time.ts";

const address = parseSparkAddress("sc://spark.example");

test("from 4.3 on", () => {
  for (const version of ["4.3.0", "4.3.0-SNAPSHOT", "4.10.1", "5.0.0"]) requireRealTime(address, version);
});

test("an older server is named with its version and the one thing to do", () => {
  for (const version of ["4.0.1", "4.2.0", "3.5.6", ""])
    assert.throws(
      () => requireRealTime(address, version),
      (error) => error instanceof ConfigError && error.message.endsWith("Leave --spark-real-time out."),
      version,
    );
});
