/**
 * Breaks every promise of test/mutation/breakages.ts on purpose, one at a time, and runs the tests that hold it: each
 * breakage must make one of them fail. Exit code 1 names those that nobody noticed. `--only TEXT` runs a few.
 */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BREAKAGES, type Breakage } from "../test/mutation/breakages.ts";

const HOOK = fileURLToPath(new URL("../test/mutation/break-source.mjs", import.meta.url));
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TEST_TIMEOUT_MS = 120_000;

type Outcome = "noticed" | "survived" | "stale";

const { values } = parseArgs({ options: { only: { type: "string" } } });
const rows = BREAKAGES.filter(({ wrong, file }) => `${file} ${wrong}`.includes(values.only ?? ""));
const waiting = [...rows];
const failures: string[] = [];

async function work(): Promise<void> {
  for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) {
    const startedMs = Date.now();
    const outcome = await outcomeOf(row);
    const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
    const line = `invariant ${row.invariant}: ${row.wrong} (${row.file}, ${seconds} s)`;
    console.log(`${outcome === "noticed" ? "✔ noticed" : `✖ ${outcome}`}  ${line}`);
    if (outcome === "survived") failures.push(`Nobody notices: ${line}`);
    if (outcome === "stale") failures.push(`Its line is not there exactly once, or a test file is gone: mend the row: ${line}`);
  }
}

async function outcomeOf(row: Breakage): Promise<Outcome> {
  const source = readFileSync(new URL(`../${row.file}`, import.meta.url), "utf8");
  const missing = row.tests.some((test) => !existsSync(new URL(`../${test}`, import.meta.url)));
  if (missing || source.split(row.find).length !== 2) return "stale";
  return (await passes(row)) ? "survived" : "noticed";
}

/** Whether the row's tests pass in spite of it. */
function passes({ tests, file, find, replace }: Breakage): Promise<boolean> {
  const child = spawn(
    process.execPath,
    ["--import", HOOK, "--test", `--test-timeout=${TEST_TIMEOUT_MS}`, "--test-concurrency=1", ...tests],
    {
      cwd: ROOT,
      stdio: "ignore",
      env: { ...process.env, VELOSTREAM_BREAK: JSON.stringify({ file, find, replace }) },
    },
  );
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0));
  });
}

await Promise.all(Array.from({ length: Math.max(1, availableParallelism()) }, work));
for (const failure of failures) console.error(failure);
console.log(`${rows.length - failures.length} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || rows.length === 0 ? 1 : 0;
