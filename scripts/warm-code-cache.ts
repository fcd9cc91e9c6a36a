/**
 * Strips the types of every source file and compiles it once, into the cache that bin/velostream.js reads: then even
 * the first start does not load the type stripper, which takes 100 MB (docs/decisions/0033). Run by `npm ci`.
 */
import { spawnSync } from "node:child_process";
import { globSync, mkdtempSync, rmSync } from "node:fs";
import { enableCompileCache, flushCompileCache } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

// Code is kept by V8's flags: once for each young generation that bin/velostream.js starts with.
const young = process.execArgv.some((flag) => flag.startsWith("--max-semi-space-size="));
if (!young) {
  for (const megabytes of [4, 8])
    spawnSync(process.execPath, [`--max-semi-space-size=${megabytes}`, fileURLToPath(import.meta.url)], {
      stdio: "inherit",
    });
  process.exit(0);
}
setFlagsFromString("--heap-growing-percent=20");
const root = new URL("../", import.meta.url);
const PARQUET_CHILD = "src/history/write/parquet-child.ts";
const cache = fileURLToPath(new URL("node_modules/.cache/compile", root));
enableCompileCache(cache);
for (const file of globSync("src/**/*.ts", { cwd: fileURLToPath(root) })) {
  // It would start the program.
  if (file === "src/main.ts" || file === PARQUET_CHILD) continue;
  await import(new URL(file, root).href);
}
flushCompileCache();
const { PARQUET_FLAGS } = await import("../src/history/write/parquet-process.ts");
// The process that writes history starts with flags of its own; left alone, it ends.
const folder = mkdtempSync(join(tmpdir(), "velostream-warm-"));
spawnSync(process.execPath, [...PARQUET_FLAGS, fileURLToPath(new URL(PARQUET_CHILD, root)), folder], {
  env: { ...process.env, NODE_COMPILE_CACHE: cache },
});
rmSync(folder, { recursive: true });
// Whatever a module opened when it was loaded is not waited for.
process.exit(0);
