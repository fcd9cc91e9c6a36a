/** Runs the command line as a user does: a process of its own, its streams and its exit code. */
import { spawn, type ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";

const BIN = fileURLToPath(new URL("../../bin/velostream.js", import.meta.url));
/** A process that hangs fails its test with what it said, instead of holding up the run. */
const LIMIT_MS = 60_000;

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly process: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves once `pattern` has been seen on a stream; rejects when the process ends before. */
  seen(stream: "stdout" | "stderr", pattern: RegExp): Promise<void>;
}

/** Starts `velostream ARGS`, with nothing of this process's environment that could be an option. */
export function velostream(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  limitMs = LIMIT_MS,
): Running {
  return start(process.execPath, [BIN, ...args], env, limitMs);
}

/** Starts a line of bash in which `$velostream` runs the command line. */
export function shell(line: string, env: Readonly<Record<string, string>> = {}): Running {
  return start("bash", ["-c", line], { ...env, velostream: `${process.execPath} ${BIN}` }, LIMIT_MS);
}

/** Rejects with what it said when a process that should live on ends; never resolves. */
export async function endedEarly(running: Running): Promise<never> {
  const { exitCode, stderr } = await running.finished;
  throw new Error(`ended by itself (${running.process.signalCode ?? exitCode}): ${stderr}`);
}

/**
 * Ends a process that is alive: `SIGTERM` as an operator does, with exit code 0; `SIGKILL` in the middle of its work.
 * One that has ended before fails at once, with what it said.
 */
export async function endedBy(running: Running, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  const { process: child } = running;
  if (child.exitCode !== null || child.signalCode !== null) await endedEarly(running);
  child.kill(signal);
  const { exitCode, stderr } = await running.finished;
  const ended = child.signalCode ?? exitCode;
  if (ended !== (signal === "SIGKILL" ? signal : 0))
    throw new Error(`did not end by ${signal} but by ${ended}: ${stderr}`);
}

function start(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  limitMs: number,
): Running {
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(VELOSTREAM_|KAFKA_|NO_COLOR|FORCE_COLOR|NODE_TEST)/.test(name),
  );
  const child = spawn(command, args, {
    env: { ...Object.fromEntries(inherited), ...env },
    stdio: ["ignore", "pipe", "pipe"],
    // A group of its own, so that the limit reaches every process of a pipe.
    detached: true,
  });
  const limit = setTimeout(() => child.pid !== undefined && process.kill(-child.pid, "SIGKILL"), limitMs);
  const said = { stdout: "", stderr: "" };
  const watchers = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      said[name] += text;
      for (const watch of watchers) watch();
    });
  }
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => {
      clearTimeout(limit);
      resolve({ exitCode, ...said });
    });
  });
  return {
    process: child,
    finished,
    seen: (stream, pattern) =>
      new Promise((resolve, reject) => {
        const watch = (): void => {
          if (!pattern.test(said[stream])) return;
          watchers.delete(watch);
          resolve();
        };
        watchers.add(watch);
        watch();
        void finished.then(() =>
          reject(new Error(`ended without ${String(pattern)}: ${JSON.stringify(said)}`)),
        );
      }),
  };
}
