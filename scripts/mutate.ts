/**
 * Mutation testing of whole files with Stryker: `npm run mutate -- --mutate src/domain/slots.ts`, several with commas.
 * Prints each file's share of mutants that tests notice, and the ones that live on; reports go to artifacts/mutation/.
 *
 *   source ─▶ its tests: those that breakages.ts names for it, and those that import it ─▶ Stryker, one file at a time
 *
 * Stryker brings 186 packages along, so it is a small package of its own in scripts/mutate/, installed at first use.
 */
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { BREAKAGES } from "../test/mutation/breakages.ts";
import { findFile } from "../test/mutation/find-file.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const TOOL = join(ROOT, "scripts/mutate");
const REPORTS = "artifacts/mutation";
/** Nothing that these tests do takes longer; a mutant that loops does. */
const TIMEOUT_MS = 20_000;

interface Report {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Mutant[] }>>;
}

interface Mutant {
  readonly status: "Killed" | "Survived" | "Timeout" | "NoCoverage" | "RuntimeError" | "Ignored";
  readonly mutatorName: string;
  readonly replacement?: string;
  readonly location: { readonly start: { readonly line: number } };
}

const { values } = parseArgs({
  options: {
    mutate: { type: "string", multiple: true, default: [] },
    tests: { type: "string", multiple: true, default: [] },
    concurrency: { type: "string", default: "1" },
  },
});
const sources = values.mutate.flatMap((list) => list.split(",")).map((path) => path.split(":")[0] ?? path);
if (sources.length === 0) {
  console.error("Name the files to mutate: npm run mutate -- --mutate src/domain/slots.ts");
  process.exit(64);
}
if (!existsSync(join(TOOL, "node_modules"))) run("npm", ["ci"], TOOL);
mkdirSync(join(ROOT, REPORTS), { recursive: true });
let failed = false;
for (const source of sources) {
  const name = source.replaceAll("/", "-").replace(/\.ts$/, "");
  const report = `${REPORTS}/${name}.json`;
  const config = join(ROOT, REPORTS, `${name}.config.json`);
  writeFileSync(config, JSON.stringify(configOf(source, report)));
  const code = run(join(TOOL, "node_modules/.bin/stryker"), ["run", config], ROOT);
  if (code === 0) tell(source, JSON.parse(readFileSync(join(ROOT, report), "utf8")) as Report);
  else failed = true;
}
process.exitCode = failed ? 70 : 0;

function configOf(source: string, report: string): object {
  const testFiles = values.tests.length > 0 ? values.tests : testsOf(source);
  console.log(`${source}: ${testFiles.join(" ")}`);
  return {
    testRunner: "tap",
    tap: { testFiles, nodeArgs: ["--test-reporter=tap"], forceBail: true },
    plugins: [join(TOOL, "node_modules/@stryker-mutator/tap-runner/dist/src/index.js")],
    mutate: [source],
    concurrency: Number(values.concurrency),
    coverageAnalysis: "perTest",
    reporters: ["json"],
    jsonReporter: { fileName: report },
    // TypeScript 7 has no JavaScript interface for Stryker to read the project's configuration with.
    tsconfigFile: "absent.json",
    tempDirName: `${REPORTS}/sandbox`,
    // Tests read what the page shows, too; its build they do not.
    ignorePatterns: ["web/dist", "bench", "infra", "docs", "artifacts", "data", "scripts/mutate"],
    timeoutMS: TIMEOUT_MS,
    logLevel: "warn",
  };
}

/** The quick tests of a source: those that its rows name first, then those that import it. */
function testsOf(source: string): readonly string[] {
  const named = BREAKAGES.filter(({ file }) => findFile("src", file) === source)
    .flatMap(({ tests }) => tests)
    .flatMap((end) => findFile("test", end) ?? []);
  const importing = globSync("test/{unit,property}/**/*.test.ts", { cwd: ROOT }).filter((test) => {
    const text = readFileSync(join(ROOT, test), "utf8");
    return [...text.matchAll(/from "(\.[^"]+)"/g)].some(
      ([, path = ""]) => relative(ROOT, resolve(ROOT, dirname(test), path)) === source,
    );
  });
  return [...new Set([...named, ...importing])];
}

function tell(source: string, { files }: Report): void {
  const mutants = Object.values(files).flatMap((file) => file.mutants);
  const counted = mutants.filter(({ status }) => status !== "Ignored" && status !== "RuntimeError");
  const living = counted.filter(({ status }) => status === "Survived" || status === "NoCoverage");
  const share = counted.length === 0 ? 1 : 1 - living.length / counted.length;
  console.log(`${source}: ${counted.length} mutants, ${(share * 100).toFixed(1)} % noticed`);
  for (const { location, mutatorName, replacement = "" } of living)
    console.log(`  line ${location.start.line}: ${mutatorName} → ${replacement.replaceAll(/\s+/g, " ")}`);
}

function run(command: string, args: readonly string[], cwd: string): number {
  const { status, error } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (error !== undefined) throw error;
  return status ?? 1;
}
