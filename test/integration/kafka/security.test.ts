/** TLS and every login against a broker that asks for them; refusals say what to change and never the secret. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RunningBroker } from "../../../infra/kafka/broker.ts";
import { topicSpecs } from "../../../src/log/topics.ts";
import { selfSigned } from "../../support/certificate.ts";
import { ControlledFeed, seededRandom } from "../../support/faults/controlled-feed.ts";
import { openLog, startTestBroker } from "../../support/kafka.ts";
import { type Finished, velostream } from "../../support/velostream.ts";

const PROGRAM = fileURLToPath(new URL("../../../bin/velostream.js", import.meta.url));
const PASSWORD = "correct-horse-battery";

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function velostreamOn(
  { secure }: RunningBroker,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Ended {
  assert.ok(secure !== null);
  const inherited = Object.entries(process.env).filter(([name]) => !/^(VELOSTREAM_|KAFKA_)/.test(name));
  const result = spawnSync(process.execPath, [PROGRAM, ...args], {
    encoding: "utf8",
    timeout: 60_000,
    env: { ...Object.fromEntries(inherited), KAFKA_BROKERS: secure.brokers.join(","), ...env },
  });
  for (const text of [result.stdout, result.stderr])
    assert.ok(
      !text.includes(PASSWORD) && !text.includes("wrong-secret") && !text.includes("PRIVATE KEY"),
      "a secret was printed",
    );
  return result;
}

/** An unsigned token (RFC 7515, alg none): what the trial broker takes. */
function token(expiresInSeconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "none" })}.${part({ sub: "alice", iat: now, exp: now + expiresInSeconds })}.`;
}

describe("a broker with SASL_SSL", { timeout: 180_000 }, () => {
  let broker: RunningBroker;
  before(async () => (broker = await startTestBroker({ users: { alice: PASSWORD } })));
  after(async () => broker.stop());

  const velostream = (args: readonly string[], env: Readonly<Record<string, string>> = {}): Ended =>
    velostreamOn(broker, args, env);

  const ca = (): readonly string[] => ["--kafka-ca-file", broker.secure?.caFile ?? ""];
  const login = (mechanism: string): readonly string[] => [
    "--kafka-sasl-mechanism",
    mechanism,
    "--kafka-username",
    "alice",
  ];

  for (const mechanism of ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]) {
    test(`lets ${mechanism} in, over TLS, with the password from the environment`, () => {
      const { status, stdout, stderr } = velostream(["topics", "create", ...ca(), ...login(mechanism)], {
        VELOSTREAM_KAFKA_PASSWORD: PASSWORD,
      });
      assert.equal(status, 0, stderr);
      assert.match(stdout, /^velib-projet: (made|exists), 4 partitions/);
    });

    test(`refuses a wrong ${mechanism} password at once, naming what to check`, () => {
      const { status, stderr } = velostream(["topics", "list", ...ca(), ...login(mechanism)], {
        VELOSTREAM_KAFKA_PASSWORD: "wrong-secret",
      });
      assert.equal(status, 78);
      assert.match(stderr, /Kafka refused the login .*Check --kafka-sasl-mechanism, --kafka-username/);
    });
  }

  test("TLS without a login, TLS where there is none, and neither where both are wanted: each says what to change", () => {
    const wanted = velostream(["topics", "list", ...ca()]);
    assert.equal(wanted.status, 69);
    assert.match(
      wanted.stderr,
      /closes the connection without an answer\. Try --kafka-sasl-mechanism .*login/,
    );
    assert.doesNotMatch(wanted.stderr, /npm run kafka/);
    const plain = velostream(["topics", "list", "--kafka-tls", "--brokers", broker.brokers.join(",")]);
    assert.equal(plain.status, 69);
    assert.match(plain.stderr, /before TLS is established\. Leave the options of TLS out/);
    const neither = velostream(["topics", "list"]);
    assert.equal(neither.status, 78);
    assert.match(neither.stderr, /--kafka-tls/);
  });

  test("takes the password from a file", () => {
    const file = join(broker.dataDir, "password");
    writeFileSync(file, `${PASSWORD}\n`);
    const { status, stderr } = velostream(["topics", "list", ...ca(), ...login("SCRAM-SHA-512")], {
      VELOSTREAM_KAFKA_PASSWORD_FILE: file,
    });
    assert.equal(status, 0, stderr);
  });

  test("lets OAUTHBEARER in with a token from a file, and refuses an expired one", () => {
    const file = join(broker.dataDir, "token");
    const args = [
      "topics",
      "list",
      ...ca(),
      "--kafka-sasl-mechanism",
      "OAUTHBEARER",
      "--kafka-token-file",
      file,
    ];
    writeFileSync(file, token(300));
    const good = velostream(args);
    assert.equal(good.status, 0, good.stderr);
    writeFileSync(file, token(-300));
    const bad = velostream(args);
    assert.equal(bad.status, 78, bad.stderr);
    assert.match(bad.stderr, /Kafka refused the login/);
  });

  test("does not trust a certificate nobody vouches for", () => {
    const { status, stderr } = velostream(["topics", "list", "--kafka-tls", ...login("PLAIN")], {
      VELOSTREAM_KAFKA_PASSWORD: PASSWORD,
    });
    assert.equal(status, 78);
    assert.match(stderr, /The TLS connection to Kafka could not be made .*--kafka-ca-file/);
  });

  test("says that TLS is missing when it is", () => {
    const { status, stderr } = velostream(["topics", "list"]);
    assert.ok(status === 78 || status === 69, String(status));
    assert.match(stderr, /--kafka-tls|does not answer/);
  });

  test("runs the whole pipeline over TLS and SCRAM: produce, transactions, read", () => {
    const produced = velostream(["topics", "create", ...ca(), ...login("SCRAM-SHA-256"), "--json"], {
      VELOSTREAM_KAFKA_PASSWORD: PASSWORD,
    });
    assert.equal(produced.status, 0, produced.stderr);
    const worked = velostream(["aggregate", ...ca(), ...login("SCRAM-SHA-256"), "--for", "2s"], {
      VELOSTREAM_KAFKA_PASSWORD: PASSWORD,
    });
    assert.equal(worked.status, 0, worked.stderr);
    assert.match(worked.stderr, /aggregate\.assigned/);
  });
});

describe("a broker that asks for certificates", { timeout: 120_000 }, () => {
  let broker: RunningBroker;
  let folder: string;
  let ours: { readonly cert: string; readonly key: string };
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "velostream-certificates-"));
    ours = selfSigned(folder, "velostream");
    broker = await startTestBroker({ clientCaFile: ours.cert });
  });
  after(async () => {
    await broker.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const velostream = (args: readonly string[], cert?: string, key?: string): Ended =>
    velostreamOn(broker, [
      ...args,
      "--kafka-ca-file",
      broker.secure?.caFile ?? "",
      ...(cert === undefined ? [] : ["--kafka-cert-file", cert]),
      ...(key === undefined ? [] : ["--kafka-key-file", key]),
    ]);

  test("lets in who has one, for the whole pipeline", () => {
    const made = velostream(["topics", "create"], ours.cert, ours.key);
    assert.equal(made.status, 0, made.stderr);
    const worked = velostream(["aggregate", "--for", "2s"], ours.cert, ours.key);
    assert.equal(worked.status, 0, worked.stderr);
    assert.match(worked.stderr, /aggregate\.assigned/);
  });

  test("refuses who has none, naming what to give", () => {
    const { status, stderr } = velostream(["topics", "list"]);
    assert.equal(status, 78, stderr);
    assert.match(stderr, /Kafka refused our certificate, or asks for one .*--kafka-cert-file/);
  });

  test("refuses one of an authority that it does not trust", () => {
    const strange = selfSigned(folder, "stranger");
    const { status, stderr } = velostream(["topics", "list"], strange.cert, strange.key);
    assert.equal(status, 78, stderr);
    assert.match(
      stderr,
      /Kafka refused our certificate, or asks for one .*the brokers must trust who signed/,
    );
  });

  test("is not even asked when the files cannot be used", () => {
    const other = selfSigned(folder, "other");
    const mismatch = velostream(["topics", "list"], ours.cert, other.key);
    assert.equal(mismatch.status, 78, mismatch.stderr);
    assert.match(mismatch.stderr, /--kafka-key-file: \S+other\.key is not the key of \S+velostream\.pem/);
    const swapped = velostream(["topics", "list"], ours.key, ours.cert);
    assert.equal(swapped.status, 78, swapped.stderr);
    assert.match(swapped.stderr, /--kafka-cert-file: \S+velostream\.key holds nothing in PEM/);
    const half = velostream(["topics", "list"], ours.cert);
    assert.equal(half.status, 78, half.stderr);
    assert.match(half.stderr, /belong together/);
  });
});

describe("a broker with access control lists", { timeout: 240_000 }, () => {
  const STAGES = ["collector", "worker", "reader", "stranger", "groupless", "idless", "mute"] as const;
  let broker: RunningBroker;
  before(async () => {
    broker = await startTestBroker({
      users: Object.fromEntries(STAGES.map((user) => [user, PASSWORD])),
      settings: {
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        // The plain listener, by which the test sets everything up.
        "super.users": "User:ANONYMOUS",
      },
    });
    const anonymous = openLog(broker.brokers);
    const names = { raw: "velib-projet", totals: "velib-projet-final-data", rejects: "velib-projet-rejects" };
    await anonymous.createTopics(topicSpecs(names, { partitions: 2, replicationFactor: 1 }));
    await anonymous.close();
    const topic = (name: string): readonly string[] => ["--topic", name];
    // What docs/kafka.md says that each stage needs, and no more.
    for (const user of ["collector", "worker", "reader"])
      for (const name of Object.values(names)) allow(user, ["Describe"], topic(name));
    allow("collector", ["Read", "Write"], topic(names.raw));
    allow("collector", ["Read"], topic(names.totals));
    allow("collector", ["Write"], topic(names.rejects));
    allow("worker", ["Read"], topic(names.raw));
    allow("worker", ["Read", "Write"], topic(names.totals));
    allow("worker", ["Write"], topic(names.rejects));
    allow("worker", ["Read"], ["--group", "velostream-aggregate"]);
    allow(
      "worker",
      ["Write", "Describe"],
      [
        "--transactional-id",
        "velostream-velib-projet:velib-projet-final-data:",
        "--resource-pattern-type",
        "prefixed",
      ],
    );
    for (const name of [names.raw, names.totals]) allow("reader", ["Read"], topic(name));
    allow("stranger", ["Describe"], topic(names.raw));
    // Each lacks one right of a worker.
    for (const user of ["groupless", "idless", "mute"]) {
      for (const name of Object.values(names)) allow(user, ["Read"], topic(name));
      if (user !== "mute") allow(user, ["Write"], topic(names.totals));
      if (user !== "groupless") allow(user, ["Read"], ["--group", "heirs"]);
      if (user !== "idless")
        allow(
          user,
          ["Write", "Describe"],
          [
            "--transactional-id",
            "velostream-velib-projet:velib-projet-final-data:",
            "--resource-pattern-type",
            "prefixed",
          ],
        );
    }
  });
  after(async () => broker.stop());

  function allow(user: string, operations: readonly string[], resource: readonly string[]): void {
    const rights = operations.flatMap((each) => ["--operation", each]);
    const where = ["--bootstrap-server", broker.brokers[0] ?? "", "--add", "--force"];
    broker.tool("org.apache.kafka.tools.AclCommand", [
      ...where,
      "--allow-principal",
      `User:${user}`,
      ...rights,
      ...resource,
    ]);
  }

  const access = (user: string): readonly string[] => {
    const caFile = broker.secure?.caFile ?? "";
    return ["--kafka-ca-file", caFile, "--kafka-sasl-mechanism", "SCRAM-SHA-256", "--kafka-username", user];
  };
  const as = (user: string, ...args: readonly string[]): Ended =>
    velostreamOn(broker, [...args, ...access(user)], { VELOSTREAM_KAFKA_PASSWORD: PASSWORD });

  test("lets each stage do its work with the rights that are documented", async () => {
    const feed = new ControlledFeed(50, seededRandom(3));
    const url = await feed.start();
    try {
      const collected = await asAsync(
        "collector",
        "collect",
        "--feed",
        url,
        "--interval",
        "1s",
        "--for",
        "3s",
      );
      assert.equal(collected.exitCode, 0, collected.stderr);
    } finally {
      await feed.stop();
    }
    const worked = as("worker", "aggregate", "--for", "3s");
    assert.equal(worked.status, 0, worked.stderr);
    const read = as("reader", "watch", "totals", "--from", "earliest", "--json", "--for", "2s");
    assert.equal(read.status, 0, read.stderr);
    assert.ok(read.stdout.split("\n").length > 10, "totals came out");
  });

  /** The feed is served by this process: it must not be blocked meanwhile. */
  async function asAsync(user: string, ...args: readonly string[]): Promise<Finished> {
    const env = {
      VELOSTREAM_KAFKA_PASSWORD: PASSWORD,
      KAFKA_BROKERS: broker.secure?.brokers.join(",") ?? "",
    };
    return velostream([...args, ...access(user)], env).finished;
  }

  for (const [user, named] of [
    ["groupless", /group heirs.*GROUP_AUTHORIZATION_FAILED/],
    [
      "idless",
      /transaction velostream-velib-projet:velib-projet-final-data:\d.*TRANSACTIONAL_ID_AUTHORIZATION_FAILED/,
    ],
    ["mute", /velib-projet-final-data.*TOPIC_AUTHORIZATION_FAILED/],
  ] as const)
    test(`a worker without one of its rights (${user}) is told which`, () => {
      // Another group than the worker's before: it has all totals to write.
      const { status, stderr } = as(user, "aggregate", "--group", "heirs", "--take-over", "--for", "30s");
      assert.equal(status, 78, stderr);
      assert.match(stderr, named);
      assert.match(stderr, /docs\/kafka\.md/);
    });

  test("tells whoever may see a topic but not read it, instead of waiting for ever", () => {
    const { status, stderr } = as("stranger", "watch", "raw", "--from", "earliest", "--json", "--for", "20s");
    assert.equal(status, 78, stderr);
    assert.match(stderr, /Kafka does not allow this user to read velib-projet.*docs\/kafka\.md/);
  });
});
