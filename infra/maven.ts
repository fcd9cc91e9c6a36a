/** Published Maven artifacts, resolved once per version into a cache folder outside the checkout: Kafka's and Spark's. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** Something the machine lacks; the message says what to install. */
export class MissingTool extends Error {}

export interface Artifacts {
  /** For messages: `Kafka 4.4.0`. */
  readonly name: string;
  /** For the message while it downloads: `50 to 80 MB`. */
  readonly size: string;
  /** Names the jars. */
  readonly pomFile: string;
  /** Where the jars go, inside the cache: `kafka/4.4.0`. */
  readonly folder: string;
}

/**
 * The folder with the artifacts' jars; downloads them with Maven the first time.
 * @param report told one line when a download starts and one when it ends
 */
export async function jarsFolder(artifacts: Artifacts, report: (line: string) => void): Promise<string> {
  const folder = join(cacheFolder(), artifacts.folder);
  if (!existsSync(folder)) await download(artifacts, folder, report);
  return folder;
}

/** `VELOSTREAM_CACHE`, else the user's cache: shared by all checkouts. */
function cacheFolder(): string {
  const own = process.env["VELOSTREAM_CACHE"];
  if (own !== undefined && own !== "") return own;
  return join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "velostream");
}

async function download(
  { name, size, pomFile }: Artifacts,
  folder: string,
  report: (line: string) => void,
): Promise<void> {
  const startedAtMs = Date.now();
  report(`Downloading ${name} with Maven (once, ${size}) to ${folder}`);
  // A folder of our own, renamed when whole: an interrupted download leaves nothing that looks finished.
  const partial = `${folder}.partial-${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await maven(name, [
      "--batch-mode",
      "--quiet",
      "--file",
      pomFile,
      "dependency:copy-dependencies",
      `-DoutputDirectory=${partial}`,
    ]);
    const jars = (await readdir(partial)).length;
    await mkdir(dirname(folder), { recursive: true });
    // Another process may have been faster: its folder is as good as ours.
    await rename(partial, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    report(`Downloaded ${jars} jars in ${Math.round((Date.now() - startedAtMs) / 1000)} s`);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

async function maven(name: string, args: readonly string[]): Promise<void> {
  const child = spawn("mvn", args, { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", (error: NodeJS.ErrnoException) =>
      reject(
        error.code === "ENOENT"
          ? new MissingTool(
              `Maven (mvn) is not installed: it downloads ${name}. Install it, e.g. with \`apt-get install maven\`.`,
            )
          : error,
      ),
    );
    child.once("close", resolve);
  });
  if (code !== 0) {
    const reason = output.split("\n").find((line) => line.includes("ERROR")) ?? output.slice(-400);
    throw new Error(
      `Maven could not download ${name} (exit ${code}): ${reason.trim()}. Try again when online.`,
    );
  }
}
