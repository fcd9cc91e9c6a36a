/** Builds the Kafka Streams peer and the loader (bench/peers/kafka-streams) with Maven, outside the checkout. */
import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** @returns the class path. Maven does nothing when nothing has changed. */
export function buildKafkaStreamsPeer(): string {
  const folder = join(
    process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"),
    "velostream/kafka-streams-peer",
  );
  mkdirSync(folder, { recursive: true });
  const pom = fileURLToPath(new URL("../peers/kafka-streams/pom.xml", import.meta.url));
  const { status, stdout, stderr } = spawnSync(
    "mvn",
    [
      "--batch-mode",
      "--quiet",
      "--file",
      pom,
      "package",
      "dependency:copy-dependencies",
      `-DbuildDirectory=${folder}`,
      `-DoutputDirectory=${folder}/lib`,
    ],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`Maven could not build the Kafka Streams peer:\n${stdout}${stderr}`);
  return `${folder}/kafka-streams-peer.jar:${folder}/lib/*`;
}
