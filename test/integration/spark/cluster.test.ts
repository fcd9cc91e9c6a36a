/** The totals on a cluster of two workers, behind TLS and a token: an executor dies, the table is the reducer's all the same. */
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { selfSigned } from "../../support/certificate.ts";
import { recordedHistory } from "../../support/recorded-history.ts";
import { assertRecountsOfPrefixes, assertSameTable, readAll } from "../../support/totals-judge.ts";
import {
  makeTopics,
  PARTITIONS,
  publish,
  startGround,
  superviseInProcess,
  tlsGateway,
  until,
  untilSameTable,
} from "./spark-support.ts";

const TOKEN = "let-me-in";

test("an executor is killed on a cluster that wants TLS and a token", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "velostream-tls-"));
  const ground = await startGround({ workers: 2, token: TOKEN });
  const files = selfSigned(folder, "gateway", "DNS:localhost");
  const gateway = await tlsGateway(ground, files);
  t.after(async () => {
    await gateway.stop();
    await ground.stop();
    await rm(folder, { recursive: true });
  });
  const address = (host: string): string => `sc://${host}:${gateway.port}/;use_ssl=true`;
  const trusting = ["--spark", address("localhost"), "--spark-ca-file", files.cert];

  await t.test("what is wrong with certificate or token is said at once, with one remedy", async () => {
    const stranger = selfSigned(folder, "stranger", "DNS:localhost");
    const nothing = join(folder, "nothing.pem");
    await writeFile(nothing, "no certificate");
    const cases: [name: string, args: string[], token: string, says: RegExp][] = [
      [
        "untrusted",
        ["--spark", address("localhost")],
        TOKEN,
        /self-signed certificate \(DEPTH_ZERO_SELF_SIGNED_CERT\)\. .*--spark-ca-file\.$/m,
      ],
      [
        "another's",
        ["--spark", address("localhost"), "--spark-ca-file", stranger.cert],
        TOKEN,
        /certificate .*--spark-ca-file\.$/m,
      ],
      [
        "another name",
        ["--spark", address("127.0.0.1"), "--spark-ca-file", files.cert],
        TOKEN,
        /ERR_TLS_CERT_ALTNAME_INVALID.*Name the host in --spark as its certificate does\.$/m,
      ],
      [
        "no TLS there",
        ["--spark", `${ground.spark.url}/;use_ssl=true`, "--spark-ca-file", files.cert],
        TOKEN,
        /Leave use_ssl=true out of --spark/,
      ],
      [
        "no TLS here",
        ["--spark", `sc://localhost:${gateway.port}`, "--spark-ca-file", files.cert],
        TOKEN,
        /Write it as sc:\/\/localhost:\d+\/;use_ssl=true\.$/m,
      ],
      [
        "no certificate",
        ["--spark", address("localhost"), "--spark-ca-file", nothing],
        TOKEN,
        /--spark-ca-file: \S+nothing\.pem holds nothing in PEM/,
      ],
      ["a wrong token", trusting, "not-this-one", /refused the caller.*VELOSTREAM_SPARK_TOKEN/],
    ];
    for (const [name, spark, token, says] of cases) {
      const refused = superviseInProcess(
        ground,
        { raw: "none", totals: "none-totals", rejects: "none-rejects" },
        { spark, token },
      );
      assert.equal(await refused.exited, 78, `${name}: ${refused.said()}`);
      assert.match(refused.said(), says, name);
      assert.ok(!refused.said().includes(token), `${name}: the token was printed`);
    }
  });

  const topics = await makeTopics(ground.log, "cluster");
  const history = recordedHistory({
    seed: 4,
    polls: 200,
    stations: 60,
    areas: 6,
    partitions: PARTITIONS,
    topic: topics.raw,
  }).flat();
  const half = Math.ceil(history.length / 2);
  await publish(ground.log, history.slice(0, half));
  const supervisor = superviseInProcess(ground, topics, { spark: trusting, token: TOKEN });
  await until("a first batch", () => supervisor.batches() > 0);
  const [victim] = ground.spark.executorPids();
  assert.ok(victim !== undefined, "the cluster has executors");
  process.kill(victim, "SIGKILL");
  await publish(ground.log, history.slice(half));
  await untilSameTable(ground.log, topics);
  supervisor.child.kill("SIGINT");
  assert.equal(await supervisor.exited, 0);
  assert.ok(!supervisor.said().includes(TOKEN), "the token was printed");
  await assertSameTable(ground.log, topics);
  assertRecountsOfPrefixes(await readAll(ground.log, topics.raw), await readAll(ground.log, topics.totals));
});
