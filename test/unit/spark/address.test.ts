/** Spark's connection strings. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopback, parseSparkAddress } from "../../../src/spark/address.ts";
import { SparkClientError } from "../../../src/spark/spark-client-error.ts";

test("host, port, TLS and user are read; 15002 is the default port", () => {
  assert.deepEqual(parseSparkAddress("sc://spark.example:4040/;use_ssl=true;user_id=alice"), {
    label: "sc://spark.example:4040",
    host: "spark.example",
    port: 4040,
    tls: true,
    userId: "alice",
  });
  assert.equal(parseSparkAddress("sc://localhost").port, 15_002);
  assert.equal(parseSparkAddress("sc://[::1]:9").host, "[::1]");
});

test("what is no address is refused with an example", () => {
  for (const text of [
    "",
    "localhost:15002",
    "http://x:1",
    "sc://",
    "sc://x:99999",
    "sc://a b",
    "sc://x/;colour=red",
  ])
    assert.throws(
      () => parseSparkAddress(text),
      (error) => error instanceof SparkClientError && error.kind.startsWith("address_"),
      text,
    );
});

test("a token in the address is refused and not repeated", () => {
  for (const text of ["sc://x/;token=hunter2", "sc://x:y/;token=hunter2"])
    assert.throws(
      () => parseSparkAddress(text),
      (error) => error instanceof SparkClientError && !error.message.includes("hunter2"),
    );
});

test("only this machine's own addresses share its folders", () => {
  const local = (text: string): boolean => isLoopback(parseSparkAddress(text));
  assert.ok(local("sc://localhost") && local("sc://127.0.0.1:1") && local("sc://[::1]"));
  assert.ok(!local("sc://10.0.0.1") && !local("sc://127.example"));
});
