/** From settings to how Kafka is reached: contradictions are refused, secrets stay unsaid. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { rootCertificates } from "node:tls";
import { kafkaAccess } from "../../../src/session/kafka-access.ts";
import { KAFKA_OPTIONS } from "../../../src/cli/option-lists.ts";
import { settle } from "../../../src/config/settings.ts";

const folder = mkdtempSync(join(tmpdir(), "velostream-access-"));
after(() => rmSync(folder, { recursive: true }));
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

function access(args: readonly string[], env: Record<string, string> = {}): ReturnType<typeof kafkaAccess> {
  return kafkaAccess(settle({ args, env, accepts: KAFKA_OPTIONS, commandName: "velostream run" }).settings);
}

test("without brokers the log is in memory", () => {
  assert.equal(access([]), null);
});

test("a broker without a port is on 9092", () => {
  assert.deepEqual(access(["--brokers", "kafka,[::1]:1234"])?.brokers, ["kafka:9092", "[::1]:1234"]);
});

test("a password in a broker's address is refused and not repeated", () => {
  assert.throws(
    () => access(["--brokers", "user:s3cret@kafka:9092"]),
    (error: Error) => error.message.includes("--kafka-username") && !error.message.includes("s3cret"),
  );
});

test("a certificate authority implies TLS", () => {
  const pem = rootCertificates[0] ?? "";
  const ca = file("ca.pem", pem);
  assert.deepEqual(access(["--brokers", "k", "--kafka-ca-file", ca])?.tls, { ca: pem });
  assert.deepEqual(access(["--brokers", "k", "--kafka-tls"])?.tls, {});
  assert.equal(access(["--brokers", "k"])?.tls, null);
});

test("a file that holds no certificate is refused before anything connects", () => {
  const ca = file("no-ca.pem", "PEM");
  assert.throws(
    () => access(["--brokers", "k", "--kafka-ca-file", ca]),
    /--kafka-ca-file: \S+no-ca\.pem holds nothing in PEM/,
  );
});

test("a login takes its password from the environment or a file it names", () => {
  const args = ["--brokers", "k", "--kafka-sasl-mechanism", "SCRAM-SHA-256", "--kafka-username", "alice"];
  const expected = { mechanism: "SCRAM-SHA-256", username: "alice", password: "s3cret" };
  assert.deepEqual(access(args, { VELOSTREAM_KAFKA_PASSWORD: "s3cret" })?.sasl, expected);
  assert.deepEqual(access(args, { VELOSTREAM_KAFKA_PASSWORD_FILE: file("pw", "s3cret\n") })?.sasl, expected);
});

test("a token is read again at every login", () => {
  const token = file("token", "one\n");
  const sasl = access([
    "--brokers",
    "k",
    "--kafka-sasl-mechanism",
    "OAUTHBEARER",
    "--kafka-token-file",
    token,
  ])?.sasl;
  assert.equal(typeof sasl?.token === "function" ? sasl.token() : null, "one");
  file("token", "two\n");
  assert.equal(typeof sasl?.token === "function" ? sasl.token() : null, "two");
});

for (const [what, args, message] of [
  ["a mechanism without a user", ["--kafka-sasl-mechanism", "PLAIN"], /needs --kafka-username/],
  ["a user without a mechanism", ["--kafka-username", "alice"], /Set --kafka-sasl-mechanism/],
  ["OAUTHBEARER without a token", ["--kafka-sasl-mechanism", "OAUTHBEARER"], /--kafka-token-file/],
  ["a certificate without its key", ["--kafka-cert-file", file("c", "PEM")], /belong together/],
  ["a file that is not there", ["--kafka-ca-file", join(folder, "none")], /cannot be read \(ENOENT\)/],
] as const)
  test(`refuses ${what}`, () => {
    assert.throws(() => access(["--brokers", "k", ...args]), message);
  });
