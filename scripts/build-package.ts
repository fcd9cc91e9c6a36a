/**
 * Builds what the npm package holds: the program as JavaScript with its types in dist/, the page in web/dist. Run by npm
 * before it packs (`prepack`); the checkout itself runs from its sources.
 */
import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");

rmSync(join(ROOT, "dist"), { recursive: true, force: true });
run("node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json");
run("scripts/build-web.ts", "--if-stale");

function run(script: string, ...args: readonly string[]): void {
  const { status } = spawnSync(process.execPath, [join(ROOT, script), ...args], {
    cwd: ROOT,
    // stdout is npm's: `npm pack --json` prints data on it.
    stdio: ["ignore", process.stderr, process.stderr],
  });
  if (status !== 0) process.exit(status ?? 1);
}
