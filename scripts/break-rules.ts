/**
 * Breaks every promise of test/mutation/breakages.ts on purpose, one at a time, and runs the tests that hold it: each
 * breakage must make one of them fail. Exit code 1 names those that nobody noticed. `--only TEXT` runs a few.
 *
 * First all of these tests run as the source is: of one that fails anyway, every breakage would seem to be noticed.
 *
 *   row ─▶ its line, once, in its file ─▶ each of its tests, with that file changed while it is loaded ─▶ one fails: noticed
 */
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BREAKAGES, type Breakage } from "../test/mutation/breakages.ts";
import { findFile } from "../test/mutation/find-file.ts";

const HOOK = fileURLToPath(new URL("../test/mutation/break-source.mjs", import.meta.url));
const ROOT = fileURLToPath(new URL("..", import.meta.url));
/** How often its tests run before a breakage counts as unnoticed. */
const DRAWS = 3;
const TEST_TIMEOUT_MS = 120_000;
const PROCESSES = Math.max(1, availableParallelism());

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
    if (outcome === "stale")
      failures.push(`Its line is not there exactly once, or a test file is gone: mend the row: ${line}`);
  }
}

async function outcomeOf({ file: end, find, replace, tests: ends }: Breakage): Promise<Outcome> {
  const file = findFile("src", end);
  const tests = ends.flatMap((test) => findFile("test", test) ?? []);
  if (file === null || tests.length < ends.length) return "stale";
  const source = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
  if (source.split(find).length !== 2 || !isCode(source.replace(find, () => replace))) return "stale";
  // Property tests draw their cases: what one draw misses by chance is no gap, what several miss is one.
  for (let draw = 0; draw < DRAWS; draw += 1)
    if (!(await passes(tests, { file, find, replace }))) return "noticed";
  return "survived";
}

/** What is no code at all is noticed by nobody's test. */
function isCode(source: string): boolean {
  try {
    stripTypeScriptTypes(source);
    return true;
  } catch {
    return false;
  }
}

/** Whether the tests pass in spite of it; the first that does not ends it. */
async function passes(
  tests: readonly string[],
  breakage: { readonly file: string; readonly find: string; readonly replace: string },
): Promise<boolean> {
  for (const test of tests) if (!(await runs(["--import", HOOK], [test], breakage))) return false;
  return true;
}

/** All tests of the rows, in one run, with nothing broken. Its output is shown where one fails. */
async function passesUnbroken(): Promise<boolean> {
  const tests = new Set(
    rows.flatMap(({ tests: ends }) => ends.flatMap((end) => findFile("test", end) ?? [])),
  );
  const startedMs = Date.now();
  const passed = await runs(["--test-reporter=dot", `--test-concurrency=${PROCESSES}`], [...tests], null);
  const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
  if (passed) console.log(`✔ unbroken, all ${tests.size} test files pass (${seconds} s)`);
  return passed;
}

/** @param breakage null breaks nothing, and lets the run's output through */
function runs(args: readonly string[], tests: readonly string[], breakage: object | null): Promise<boolean> {
  const child = spawn(process.execPath, [...args, "--test", `--test-timeout=${TEST_TIMEOUT_MS}`, ...tests], {
    cwd: ROOT,
    stdio: breakage === null ? ["ignore", "inherit", "inherit"] : "ignore",
    env: breakage === null ? process.env : { ...process.env, VELO_TEST_BREAK: JSON.stringify(breakage) },
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => resolve(code === 0));
  });
}

const unbroken = await passesUnbroken();
if (!unbroken) failures.push("A test fails although nothing is broken: nothing can be said.");
else await Promise.all(Array.from({ length: PROCESSES }, work));
for (const failure of failures) console.error(failure);
const noticed = unbroken ? rows.length - failures.length : 0;
console.log(`${noticed} noticed, ${failures.length} not`);
// For the counts of CI (.ci/counts.ts).
mkdirSync(`${ROOT}/artifacts`, { recursive: true });
writeFileSync(`${ROOT}/artifacts/invariants.tap`, `# pass ${noticed}\n# fail ${failures.length}\n`);
process.exitCode = failures.length > 0 || rows.length === 0 ? 1 : 0;
