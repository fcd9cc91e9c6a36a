/** A real velostream process that is killed and started again; it must never stop by itself. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const PROGRAM = fileURLToPath(new URL("../../../bin/velostream.js", import.meta.url));
const SETPRIV = existsSync("/usr/bin/setpriv") ? "/usr/bin/setpriv" : null;
const TAIL_CHARACTERS = 2_000;

export class Victim {
  readonly name: string;
  /** Set when it stopped without being told to. */
  problem: string | null = null;
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;
  #tail = "";
  readonly #workLine: RegExp;
  #killed = false;
  #atWork = false;

  /** @param workLine the log line that says it has started its work */
  constructor(name: string, args: readonly string[], workLine: RegExp) {
    this.name = name;
    this.#args = args;
    this.#workLine = workLine;
  }

  /** True from its line on: killing it now interrupts something. */
  get atWork(): boolean {
    return this.#atWork;
  }

  /** The last lines of the present process. */
  get said(): string {
    return this.#tail;
  }

  start(): void {
    this.#killed = false;
    this.#atWork = false;
    const env = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !name.startsWith("VELOSTREAM_") && name !== "KAFKA_BROKERS",
      ),
    );
    const command = [process.execPath, PROGRAM, ...this.#args];
    // With setpriv (Linux) it dies with us, even if we are killed: no test leaves a process behind.
    const [file = "", ...args] = SETPRIV ? [SETPRIV, "--pdeathsig", "KILL", "--", ...command] : command;
    const child = spawn(file, args, { stdio: ["ignore", "ignore", "pipe"], env });
    this.#tail = "";
    child.stderr.on("data", (chunk: Buffer) => {
      if (this.#child !== child) return;
      this.#tail = (this.#tail + chunk.toString()).slice(-TAIL_CHARACTERS);
      this.#atWork ||= this.#workLine.test(this.#tail);
    });
    child.once("exit", (code, signal) => {
      if (!this.#killed) this.problem = `${this.name} stopped by itself (${signal ?? code}): ${this.#tail}`;
    });
    this.#child = child;
  }

  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** As an operator does: drains, leaves the group. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  signal(signal: "SIGSTOP" | "SIGCONT"): void {
    this.#child?.kill(signal);
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    this.#killed = true;
    this.#atWork = false;
    const exited = once(child, "exit");
    child.kill(signal);
    const late = setTimeout(() => child.kill("SIGKILL"), 30_000);
    await exited;
    clearTimeout(late);
  }
}
