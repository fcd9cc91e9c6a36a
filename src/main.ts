/** The one process entry: argv, signals, exit code. */
import { dispatch } from "./cli/dispatch.ts";
import { createTerminal } from "./cli/terminal.ts";
import { readProcess } from "./config/process-input.ts";
import { EXIT } from "./errors.ts";

/** A drain that takes longer than this is cut short, ms. */
const DRAIN_LIMIT_MS = 15_000;

const { args, env } = readProcess();
const stop = new AbortController();
const terminal = createTerminal({
  stdout: process.stdout,
  stderr: process.stderr,
  env,
  onClosed: () => stop.abort(),
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    if (stop.signal.aborted) process.exit(EXIT.interrupted);
    terminal.err(
      `Stopping: finishing what is in hand (at most ${DRAIN_LIMIT_MS / 1000} s). Ctrl-C again quits at once.\n`,
    );
    stop.abort();
    setTimeout(() => process.exit(EXIT.unavailable), DRAIN_LIMIT_MS).unref();
  });
}

const exitCode = await dispatch({ args, env, terminal, signal: stop.signal });
await terminal.flush();
process.exit(exitCode);
