/**
 * One Java process that we start, watch, kill and start again.
 *
 *   stopped ──start──▶ starting ──its "up" line──▶ running ──kill, stop, its own death──▶ stopped
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { MissingTool } from "./maven.ts";

export interface JavaProcessOptions {
  /** For messages: `Kafka node 2`. */
  readonly name: string;
  readonly args: readonly string[];
  readonly heapMb: number;
  /** Appended to: everything the process prints. */
  readonly logFile: string;
  /** The printed line that says it is up. */
  readonly upLine: RegExp;
  readonly startTimeoutMs?: number;
  /** @default the flags of a short-lived small server: serial collector, first compiler only */
  readonly jvmFlags?: readonly string[];
  /** Added to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const SMALL_SERVER = ["-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/** Linux: the child dies with us even if we are killed, so no test leaves a broker behind. */
const SETPRIV = process.platform === "linux" && existsSync("/usr/bin/setpriv") ? "/usr/bin/setpriv" : null;

const TAIL_LINES = 15;
const alive = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export class JavaProcess {
  readonly #options: JavaProcessOptions;
  #child: ChildProcess | null = null;
  #exited: Promise<void> = Promise.resolve();

  constructor(options: JavaProcessOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Resolves when the process has stopped, however. */
  get exited(): Promise<void> {
    return this.#exited;
  }

  async start(): Promise<void> {
    if (this.#child !== null) return;
    const { name, args, heapMb, logFile, upLine, startTimeoutMs = 90_000 } = this.#options;
    const { jvmFlags = SMALL_SERVER } = this.#options;
    const command = ["java", `-Xmx${heapMb}m`, ...jvmFlags, ...args];
    const env = { ...process.env, ...this.#options.env };
    // A group of its own: Ctrl-C in a terminal reaches only the launcher, which stops things in order.
    const child =
      SETPRIV === null
        ? spawn("java", command.slice(1), { detached: true, env, stdio: ["ignore", "pipe", "pipe"] })
        : spawn(SETPRIV, ["--pdeathsig", "KILL", "--", ...command], {
            detached: true,
            env,
            stdio: ["ignore", "pipe", "pipe"],
          });
    this.#child = child;
    alive.add(child);
    const log = createWriteStream(logFile, { flags: "a" });
    const tail: string[] = [];
    let up = false;
    this.#exited = new Promise((resolve) => {
      child.once("close", () => {
        alive.delete(child);
        if (this.#child === child) this.#child = null;
        log.end(resolve);
      });
    });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => fail(new Error(`${name} was not up after ${startTimeoutMs / 1000} s. See ${logFile}.`)),
        startTimeoutMs,
      );
      function fail(error: Error): void {
        clearTimeout(timer);
        child.kill("SIGKILL");
        reject(error);
      }
      const onLine = (line: string): void => {
        if (up) return;
        tail.push(line);
        if (tail.length > TAIL_LINES) tail.shift();
        if (upLine.test(line)) {
          up = true;
          clearTimeout(timer);
          resolve();
        }
      };
      for (const stream of [child.stdout, child.stderr]) {
        let rest = "";
        stream?.on("data", (chunk: Buffer) => {
          log.write(chunk);
          const lines = (rest + chunk.toString()).split("\n");
          rest = lines.pop() ?? "";
          for (const line of lines) onLine(line);
        });
      }
      child.once("error", (error: NodeJS.ErrnoException) => {
        fail(error.code === "ENOENT" ? noJava() : error);
        // A process that never started emits no "close".
        alive.delete(child);
        this.#child = null;
      });
      child.once("exit", (code, signal) => {
        if (up) return;
        if (code === 127 && tail.join(" ").includes("java")) return fail(noJava());
        fail(
          new Error(
            `${name} stopped while starting (${signal ?? `exit ${code}`}). Its last lines, from ${logFile}:\n${tail.join("\n")}`,
          ),
        );
      });
    });
  }

  /** `kill -9`: what a power cut does to the process. */
  async kill(): Promise<void> {
    this.#child?.kill("SIGKILL");
    await this.#exited;
  }

  /** Asks it to stop, and kills it when it takes too long. */
  async stop(timeoutMs: number): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), timeoutMs);
    await this.#exited;
    clearTimeout(timer);
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }
}

/** Throws when Java is missing or older than Kafka 4 and Spark 4 need. */
export function checkJava(): void {
  const result = spawnSync("java", ["-version"], { encoding: "utf8" });
  if (result.error !== undefined) throw noJava();
  const version = /version "(\d+)/.exec(result.stderr)?.[1];
  if (version !== undefined && Number(version) < 17)
    throw new MissingTool(
      `Java ${version} is installed, Kafka and Spark need 17 or newer. Install it, e.g. with \`apt-get install openjdk-17-jre-headless\`.`,
    );
}

function noJava(): MissingTool {
  return new MissingTool(
    "Java is not installed: Kafka and Spark need 17 or newer. Install it, e.g. with `apt-get install openjdk-17-jre-headless`.",
  );
}
