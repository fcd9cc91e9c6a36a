/**
 * The container files hang together: services, volumes and ports they name are declared, and the commands in them are
 * ours. Whether the images exist, only a machine with Docker can tell.
 */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
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
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const compose = parse(text("infra/compose.yaml")) as Compose;
const services = Object.entries(compose.services);

test("compose: every service has a fixed image, publishes on loopback only, and uses declared volumes", () => {
  const used = new Set<string>();
  for (const [name, { image, ports, volumes }] of services) {
    assert.match(image, /^[\w./-]+:\d[\w.-]*$/, `${name} is of a version, not of the latest`);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:(\d+):\1$/, name);
    for (const volume of volumes) {
      const [source = ""] = volume.split(":");
      if (source.startsWith(".")) assert.ok(existsSync(join(ROOT, "infra", source)), `${name}: ${source}`);
      else used.add(source);
    }
  }
  assert.deepEqual(used, new Set(Object.keys(compose.volumes)));
});

test("compose: whoever waits for a healthy service waits for one that has a health check", () => {
  for (const [name, service] of services)
    for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
      assert.equal(condition, "service_healthy", name);
      assert.ok(compose.services[other]?.healthcheck !== undefined, `${name} waits for ${other}`);
    }
});

test("compose: the brokers' addresses are listeners that Kafka advertises to those who use them", () => {
  const kafka = compose.services["kafka"];
  const advertised = kafka?.environment["KAFKA_ADVERTISED_LISTENERS"] ?? "";
  const brokers = compose.services["velostream"]?.environment["KAFKA_BROKERS"] ?? "none";
  assert.ok(advertised.includes(`INSIDE://${brokers}`), "for containers");
  assert.ok(
    advertised.includes("HOST://localhost:9092") && kafka?.ports[0]?.endsWith(":9092"),
    "for the host",
  );
  const listeners = kafka?.environment["KAFKA_LISTENERS"]?.match(/\w+(?=:\/\/)/g) ?? [];
  const protocols = kafka?.environment["KAFKA_LISTENER_SECURITY_PROTOCOL_MAP"]?.match(/\w+(?=:)/g) ?? [];
  assert.deepEqual(listeners, protocols);
});

test("compose: velostream's commands and variables are its own, and its data is in its volume", async () => {
  const service = compose.services["velostream"];
  const line = service?.command?.at(-1) ?? "";
  assert.match(line, /^npm ci && exec node bin\/velostream\.js /);
  assert.ok(existsSync(join(ROOT, "bin/velostream.js")));
  const settings = await accepted(line.split("bin/velostream.js ")[1] ?? "", service?.environment);
  const data = service?.volumes.find((volume) => volume.startsWith("app-data:"));
  assert.equal(data, `app-data:${settings["data-dir"]}`);
  assert.equal(service?.ports[0], `127.0.0.1:${settings.port}:${settings.port}`);
  assert.ok(service?.healthcheck?.test.at(-1)?.includes(`127.0.0.1:${settings.port}/readyz`));
  const comment = text("infra/compose.yaml").match(/^ *# velostream (aggregate .*)\n *# +(--.*)$/m);
  const spark = await accepted(`${comment?.[1]} ${comment?.[2]}`, {});
  assert.deepEqual(spark["spark-brokers"], ["kafka:19092"]);
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
  line: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ReturnType<typeof settle>["settings"]> {
  const [name = "", ...args] = line.trim().split(/\s+/);
  const command = await COMMANDS.find((entry) => entry.name === name)?.load();
  assert.ok(command !== undefined, line);
  return settle({ args, env, accepts: command.options, commandName: name }).settings;
}
