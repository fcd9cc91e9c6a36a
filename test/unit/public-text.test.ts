/** Strangers learn what is wrong, and no address of a machine behind the server. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { publicText } from "../../src/telemetry/public-text.ts";

test("addresses of machines are left out, in every form", () => {
  for (const address of [
    "10.0.0.7",
    "127.0.0.1:9092",
    "[::1]:9092",
    "::1",
    "fe80::1%eth0",
    "[2001:db8::7]:443",
    "::ffff:10.0.0.7",
    "localhost",
    "localhost:8080",
    "kafka-1.prod.example.com:9092",
    "db.internal",
    "broker.svc.local:9092",
    "sc://spark:15002",
    "mqtts://broker:8883/path",
  ])
    for (const around of [`connect ${address}`, `(${address}): gone`, `at ${address}, and at ${address}.`]) {
      const shown = publicText(around);
      assert.equal(shown, around.replaceAll(address, "[address]"), around);
    }
});

test("what is no address stays", () => {
  for (const text of [
    "gbfs.example.org refused the connection (for /2.3/gbfs.json). Check the feed's URL.",
    "Since 12:30:05 nothing; 2026-11-20T08:30:00Z, version 2.3, key velib:16107, in 1.2.3 steps.",
    "The worker stands still in partition 3 at offset 120.",
    "https://gbfs.example.org/gbfs.json",
    "std::vector, ::",
  ])
    assert.equal(publicText(text), text);
});
