/**
 * Builds the page into web/dist. Run by npm after an install (`prepare`), so that a fresh clone shows it at once, and
 * with --if-stale before `npm start`, so that a changed page is not shown as it was.
 */
import { existsSync, readdirSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "..");
const WEB = join(ROOT, "web");
const BUILT = join(WEB, "dist/index.html");

const installed = canResolve("vite") && existsSync(join(WEB, "index.html"));
if (process.argv.includes("--if-stale") && isFresh()) {
  // Nothing to do.
} else if (installed) {
  const { build } = await import("vite");
  const startedAt = performance.now();
  await build({ configFile: join(WEB, "vite.config.ts"), logLevel: "error" });
  // stderr: what follows may print data on stdout.
  console.error(`Built the page in ${((performance.now() - startedAt) / 1000).toFixed(1)} s.`);
} else if (!existsSync(BUILT)) {
  // An install of the production packages alone, or of package.json before the sources: not an error.
  console.error(
    "The page is not built: its tools are not installed. Run `npm ci` for it; the API works without.",
  );
}

function isFresh(): boolean {
  if (!existsSync(BUILT)) return false;
  const builtAtMs = statSync(BUILT).mtimeMs;
  const sources = readdirSync(WEB, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.startsWith(join(WEB, "dist")))
    .map((entry) => join(entry.parentPath, entry.name));
  return [...sources, join(ROOT, "package-lock.json")].every((file) => statSync(file).mtimeMs <= builtAtMs);
}

function canResolve(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    return false;
  }
}
