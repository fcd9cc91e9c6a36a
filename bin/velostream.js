#!/usr/bin/env node
// Starts src/main.ts on Node 24, whatever Node the machine has: the npm package `node` brings one.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

const wanted = 24;
const main = new URL("../src/main.ts", import.meta.url);

if (Number(process.versions.node.split(".")[0]) >= wanted) {
  await import(main.href);
} else {
  const bundled = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
  if (!existsSync(bundled)) {
    console.error(
      `velostream needs Node ${wanted} or newer, this is ${process.version}. Run "npm ci" in the checkout: it brings one.`,
    );
    process.exit(78);
  }
  // The child shares our terminal, so Ctrl-C reaches it directly; we only wait and pass its exit code on.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
  const result = spawnSync(bundled, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(result.status ?? 70);
}
