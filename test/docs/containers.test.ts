/**
 * The container files hang together: services, volumes and ports they name are declared, and the commands in them are
 * ours. Whether the images exist, only a machine with Docker can tell.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import packageJson from "../../package.json" with { type: "json" };
import { COMMANDS } from "../../src/cli/commands.ts";
import { settle } from "../../src/config/settings.ts";

const ROOT = join(import.meta.dirname, "../..");
const text = (path: string): string => readFileSync(join(ROOT, path), "utf8");

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly ports?: readonly string[];
  readonly volumes: readonly string[];
  readonly read_only?: boolean;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const dockerfile = text("Dockerfile");
/** What the image sets: PATH aside. */
const imageEnvironment = Object.fromEntries(
  [...dockerfile.matchAll(/(VELOSTREAM_\w+)=(\S+)/g)].map(([, name = "", value = ""]) => [name, value]),
);
const FILES = ["compose.yaml", "compose.kafka.yaml", "compose.spark.yaml"];
const composes = FILES.map((file) => [file, parse(text(`infra/container/${file}`)) as Compose] as const);

for (const [file, compose] of composes) {
  const services = Object.entries(compose.services);

  test(`${file}: publishes on loopback only, needs no checkout, and uses the volumes that it declares`, () => {
    const used = new Set<string>();
    for (const [name, { image, ports, volumes }] of services) {
      assert.match(image, /^(?:[\w./-]+:\d[\w.-]*|\$\{VELOSTREAM_IMAGE:-velostream:latest\})$/, name);
      for (const port of ports ?? []) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/, name);
      for (const volume of volumes) {
        const [source = ""] = volume.split(":");
        assert.doesNotMatch(source, /^[./]/, `${name} uses a folder of the host`);
        used.add(source);
      }
    }
    assert.deepEqual(used, new Set(Object.keys(compose.volumes)));
  });

  test(`${file}: whoever waits for a healthy service waits for one that has a health check`, () => {
    for (const [name, service] of services)
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        assert.equal(condition, "service_healthy", name);
        assert.ok(compose.services[other]?.healthcheck !== undefined, `${name} waits for ${other}`);
      }
  });

  test(`${file}: velostream's commands and variables are its own, its root is read-only, its data in a volume`, async () => {
    const ours = services.filter(([, { image }]) => image.includes("velostream"));
    assert.ok(ours.length > 0);
    for (const [name, service] of ours) {
      const settings = await accepted(service.command ?? [], { ...imageEnvironment, ...service.environment });
      assert.equal(service.read_only, true, name);
      assert.ok(
        service.volumes.some((volume) => volume.endsWith(`:${settings["data-dir"]}`)),
        name,
      );
      // The image's health check asks this port.
      const port = settings["metrics-port"] ?? settings.port;
      assert.ok(dockerfile.includes(`http://127.0.0.1:${port}/healthz`), name);
      for (const published of service.ports ?? []) assert.ok(published.endsWith(`:${settings.port}`), name);
      if (settings.brokers !== null)
        assert.ok(
          compose.services["kafka"]?.environment?.["KAFKA_ADVERTISED_LISTENERS"]?.includes(
            `INSIDE://${settings.brokers.join()}`,
          ),
        );
    }
  });
}

test("compose: Kafka is the same in both files, and its listeners are those that it advertises", () => {
  const [, withKafka, withSpark] = composes.map(([, compose]) => compose.services["kafka"]);
  assert.deepEqual(withSpark, withKafka);
  assert.match(withKafka?.environment?.["KAFKA_ADVERTISED_LISTENERS"] ?? "", /HOST:\/\/localhost:9092/);
  const listeners = withKafka?.environment?.["KAFKA_LISTENERS"]?.match(/\w+(?=:\/\/)/g) ?? [];
  const protocols =
    withKafka?.environment?.["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]?.match(/\w+(?=:)/g) ?? [];
  assert.deepEqual(listeners, protocols);
});

test("Dockerfile: the image runs the package as somebody without rights", () => {
  const [, final = ""] = dockerfile.split(/^FROM .* AS build$/m);
  const last = final.slice(final.lastIndexOf("\nFROM "));
  assert.match(last, /^USER 1000:1000$/m);
  assert.match(last, /^ENTRYPOINT \["velostream"\]$/m);
  const [major] = /\d+/.exec(packageJson.engines.node) ?? [];
  for (const [, image = ""] of dockerfile.matchAll(/^FROM (\S+)/gm))
    assert.match(image, new RegExp(`^node:${major}-`));
});

test("systemd: the unit's command is one that velostream takes, and it may write its own folder alone", async () => {
  const unit = text("infra/systemd/velostream.service");
  const [, line = ""] = /^ExecStart=.*velostream (.*)$/m.exec(unit) ?? [];
  const environment = Object.fromEntries(
    [...unit.matchAll(/^Environment=(\w+)=(.*)$/gm)].map(([, name = "", value = ""]) => [name, value]),
  );
  const settings = await accepted(line.split(" "), environment);
  assert.equal(settings["data-dir"], "/var/lib/velostream");
  assert.match(unit, /^StateDirectory=velostream$/m);
  assert.match(unit, /^ProtectSystem=strict$/m);
});

test("devcontainer: its commands are npm's, its ports are ours, and Java and Maven are there for npm run kafka", () => {
  const container = JSON.parse(text(".devcontainer/devcontainer.json").replaceAll(/^\s*\/\/.*$/gm, "")) as {
    image: string;
    features: Readonly<Record<string, Readonly<Record<string, string>>>>;
    postCreateCommand: string;
    forwardPorts: readonly number[];
    portsAttributes: Readonly<Record<string, unknown>>;
  };
  assert.equal(container.postCreateCommand, "npm ci");
  assert.match(container.image, new RegExp(`typescript-node:${packageJson.engines.node.replace(">=", "")}-`));
  const java = Object.entries(container.features).find(([name]) => name.includes("/java:"))?.[1];
  assert.deepEqual([java?.["version"], java?.["installMaven"]], ["17", "true"]);
  assert.deepEqual(container.forwardPorts.map(String), Object.keys(container.portsAttributes));
  assert.deepEqual(container.forwardPorts, [8080, 9092]);
  assert.ok("kafka" in packageJson.scripts && "spark" in packageJson.scripts);
});

/** The settings of a command line, which must be one that velostream takes. */
async function accepted(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<ReturnType<typeof settle>["settings"]> {
  const [name = "", ...args] = words;
  const command = await COMMANDS.find((entry) => entry.name === name)?.load();
  assert.ok(command !== undefined, words.join(" "));
  return settle({ args, env, accepts: command.options, commandName: name }).settings;
}
