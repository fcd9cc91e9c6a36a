/** The README's two commands, as they stand there; the Kafka ones run in test/integration/kafka/. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const readme = readFileSync("README.md", "utf8");

/** Runs `npm …`; resolves to what it said and its exit code. */
function npm(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile("npm", args, { timeout: 120_000 }, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("npm start without its feed says which host, and the two ways to see something now", async () => {
  assert.match(readme, /^npm start$/m);
  const url = "http://127.0.0.1:9/gbfs.json";
  const { exitCode, stderr } = await npm(
    "start",
    "--silent",
    "--",
    "--feed",
    url,
    "--for",
    "3s",
    "--port",
    "0",
    "--no-archive",
  );
  assert.equal(exitCode, 69, stderr);
  assert.match(stderr, /127\.0\.0\.1:9 refused the connection/);
  assert.match(stderr, /npm run demo/);
  assert.match(stderr, /velostream replay/);
  assert.match(stderr, /Live page and API: http:\/\/127\.0\.0\.1:\d+/);
});

test("npm run demo shows a simulated city, labelled, and serves its page", async () => {
  assert.match(readme, /^npm run demo$/m);
  const { exitCode, stdout, stderr } = await npm(
    "run",
    "--silent",
    "demo",
    "--",
    "--for",
    "6s",
    "--port",
    "0",
    "--json",
  );
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /SIMULATED/);
  assert.match(stderr, /Live page and API: http/);
  assert.ok(
    stdout
      .trimEnd()
      .split("\n")
      .every((line) => line.includes('"simulated":true')),
  );
});
