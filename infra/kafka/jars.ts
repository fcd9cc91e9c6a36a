/** Kafka's published Maven artifacts, resolved once per version into a cache folder outside the checkout. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The broker versions of the compatibility matrix (docs/kafka.md). Newest first. */
export const KAFKA_VERSIONS = ["4.4.0", "3.6.1", "2.6.0"] as const;
export type KafkaVersion = (typeof KAFKA_VERSIONS)[number];
export const NEWEST: KafkaVersion = KAFKA_VERSIONS[0];

/** Something the machine lacks; the message says what to install. */
export class MissingTool extends Error {}

/**
 * The class path of one version's jars; downloads them with Maven the first time.
 * @param report told one line when a download starts and one when it ends
 */
export async function kafkaClassPath(version: KafkaVersion, report: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), "kafka", version);
  if (!existsSync(folder)) await download(version, folder, report);
  return join(folder, "*");
}

/** `VELOSTREAM_CACHE`, else the user's cache: shared by all checkouts. */
function cacheFolder(): string {
  const own = process.env["VELOSTREAM_CACHE"];
  if (own !== undefined && own !== "") return own;
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "velostream");
}

async function download(
  version: KafkaVersion,
  folder: string,
  report: (line: string) => void,
): Promise<void> {
  const startedAtMs = Date.now();
  report(`Downloading Kafka ${version} with Maven (once, 50 to 80 MB) to ${folder}`);
  // A folder of our own, renamed when whole: an interrupted download leaves nothing that looks finished.
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await maven([
      "--batch-mode",
      "--quiet",
      "--file",
      fileURLToPath(new URL(`jars/${version}/pom.xml`, import.meta.url)),
      "dependency:copy-dependencies",
      `-DoutputDirectory=${partial}`,
    ]);
    const jars = (await readdir(partial)).length;
    // Another process may have been faster: its folder is as good as ours.
    await rename(partial, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    report(`Downloaded ${jars} jars in ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function maven(args: readonly string[]): Promise<void> {
  const child = spawn("mvn", args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? new MissingTool(
              "Maven (mvn) is not installed: it downloads Kafka. Install it, e.g. with `apt-get install maven`.",
            )
          : error,
      ),
    );
    child.once("close", resolve);
  });
  if (code !== 0) {
    const reason = output.split("\n").find((line) => line.includes("ERROR")) ?? output.slice(-400);
    throw new Error(
      `Maven could not download Kafka (exit ${code}): ${reason.trim()}. Try again when online.`,
    );
  }
}
