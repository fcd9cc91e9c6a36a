/**
 * Strips the types of every source file and compiles it once, into the cache that bin/velostream.js reads: then even
 * the first start does not load the type stripper, which takes 100 MB (docs/decisions/0033). Run by `npm ci`.
 */
import { globSync } from "node:fs";
import { enableCompileCache, flushCompileCache } from "node:module";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

// As bin/velostream.js has it, --max-semi-space-size too (package.json): code is kept by V8's flags.
setFlagsFromString("--heap-growing-percent=20");
const root = new URL("../", import.meta.url);
enableCompileCache(fileURLToPath(new URL("node_modules/.cache/compile", root)));
for (const file of globSync("src/**/*.ts", { cwd: fileURLToPath(root) })) {
  // It would start the program.
  if (file === "src/main.ts") continue;
  await import(new URL(file, root).href);
}
flushCompileCache();
// Whatever a module opened when it was loaded is not waited for.
process.exit(0);
