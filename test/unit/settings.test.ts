/** Options: flags > environment > file > defaults, and every mistake names its source and its remedy. */
import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { topicNames } from "../../src/session/open-log.ts";
import { OPTIONS, type OptionName } from "../../src/config/options.ts";
import { settle } from "../../src/config/settings.ts";
import { ConfigError, UsageError } from "../../src/errors.ts";

const accepts = (Object.keys(OPTIONS) as OptionName[]).filter((name) => name !== "partitions");

function settings(args: string[], env: Record<string, string> = {}): ReturnType<typeof settle> {
  return settle({ args, env, accepts, commandName: "velostream run" });
}

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "velostream-")), "velostream.yaml");
  writeFileSync(path, text);
  return path;
}

test("a flag beats the environment, which beats the file, which beats the default", () => {
  const path = file("interval: 40s\nraw-topic: from-file\nstations: [16107, 32017]\n");
  const { settings: s, origins } = settings(["--config", path, "--interval", "1s"], {
    VELOSTREAM_INTERVAL: "30s",
    VELOSTREAM_RAW_TOPIC: "from-env",
  });
  assert.equal(s.interval, 1000);
  assert.equal(s["raw-topic"], "from-env");
  assert.deepEqual(s.stations, ["16107", "32017"]);
  assert.equal(s["totals-topic"], "velib-projet-final-data");
  assert.equal(origins.get("interval"), "--interval");
  assert.equal(origins.get("raw-topic"), "VELOSTREAM_RAW_TOPIC (environment)");
});

test("an alias of the environment counts, the project's own name wins", () => {
  assert.deepEqual(settings([], { KAFKA_BROKERS: "a:1,b:2" }).settings.brokers, ["a:1", "b:2"]);
  assert.deepEqual(settings([], { KAFKA_BROKERS: "a:1", VELOSTREAM_BROKERS: "c:3" }).settings.brokers, [
    "c:3",
  ]);
});

test("an empty variable is not set", () => {
  assert.equal(settings([], { VELOSTREAM_BROKERS: "" }).settings.brokers, null);
});

test("a flag is switched off with no-", () => {
  assert.equal(settings(["--no-serve"]).settings.serve, false);
  assert.equal(settings([]).settings.serve, true);
});

test("help is seen anywhere", () => {
  assert.equal(settings(["--json", "-h"]).help, true);
});

const MISTAKES: readonly {
  readonly what: string;
  readonly run: () => unknown;
  readonly error: typeof UsageError | typeof ConfigError;
  readonly says: RegExp;
}[] = [
  {
    what: "a typo in a flag",
    run: () => settings(["--statoins", "1"]),
    error: UsageError,
    says: /--statoins.*--stations/,
  },
  {
    what: "a flag of another command",
    run: () => settings(["--partitions", "3"]),
    error: UsageError,
    says: /--partitions is not an option of "velostream run"/,
  },
  { what: "a missing value", run: () => settings(["--interval"]), error: UsageError, says: /needs a value/ },
  {
    what: "a value for a flag",
    run: () => settings(["--json=yes"]),
    error: UsageError,
    says: /takes no value/,
  },
  {
    what: "a list of nothing, as of a variable that is not set,",
    run: () => settings(["--brokers", ""]),
    error: ConfigError,
    says: /^--brokers: "" is empty/,
  },
  {
    what: "no- before an option that has a value",
    run: () => settings(["--no-port"]),
    error: UsageError,
    says: /^--no-port is not an option\. Did you mean --port\?/,
  },
  {
    what: "an interval that would ask a publisher without a pause",
    run: () => settings(["--interval", "0s"]),
    error: ConfigError,
    says: /^--interval: "0s" is too little: at least 100ms\./,
  },
  {
    what: "a topic without a partition",
    run: () =>
      settle({ args: ["--partitions", "0"], env: {}, accepts: ["partitions"], commandName: "velostream x" }),
    error: ConfigError,
    says: /^--partitions: "0" is too little: at least 1\./,
  },
  {
    what: "no event stream at all, which the page would never come back from,",
    run: () => settings(["--max-streams", "0"]),
    error: ConfigError,
    says: /^--max-streams: "0" is too little: at least 1\./,
  },
  {
    what: "a duration without unit",
    run: () => settings(["--interval", "10"]),
    error: ConfigError,
    says: /^--interval: "10" is not a duration/,
  },
  {
    what: "a malformed variable",
    run: () => settings([], { VELOSTREAM_PORT: "http" }),
    error: ConfigError,
    says: /^VELOSTREAM_PORT \(environment\): "http" is not a port/,
  },
  {
    what: "an unknown variable",
    run: () => settings([], { VELOSTREAM_BROKER: "x" }),
    error: ConfigError,
    says: /VELOSTREAM_BROKER .*VELOSTREAM_BROKERS/,
  },
  {
    what: "a choice that is none",
    run: () => settings(["--publish", "never"]),
    error: ConfigError,
    says: /none of changes, every-poll/,
  },
  {
    what: "an unknown key of the file",
    run: () => settings(["--config", file("intervall: 1s")]),
    error: ConfigError,
    says: /intervall is not an option. Did you mean interval/,
  },
  {
    what: "a file that is no YAML",
    run: () => settings(["--config", file("a: [")]),
    error: ConfigError,
    says: /is not YAML/,
  },
  {
    what: "a file that is missing",
    run: () => settings(["--config", "/nowhere.yaml"]),
    error: ConfigError,
    says: /ENOENT/,
  },
];

for (const { what, run, error, says } of MISTAKES) {
  test(`${what} is an error that says so`, () => {
    assert.throws(run, (thrown: unknown) => {
      assert.ok(thrown instanceof error);
      assert.match(thrown.message, says);
      return true;
    });
  });
}

test("the topics are four, with names that Kafka takes", () => {
  const named = (...args: string[]) => topicNames(settings(args).settings);
  assert.equal(named("--raw-topic", "a.b_c-1").raw, "a.b_c-1");
  assert.throws(() => named("--raw-topic", "x", "--totals-topic", "x"), /four different topics/);
  assert.throws(() => named("--feeds-topic", "velib-projet"), /four different topics/);
  assert.throws(() => named("--rejects-topic", "a b"), /^ConfigError: --rejects-topic: "a b" cannot name/);
});
