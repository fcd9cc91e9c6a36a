#!/usr/bin/env node
// Starts src/main.ts on Node 24, whatever Node the machine has: the npm package `node` brings one.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
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
  const child = spawn(bundled, [fileURLToPath(main), ...process.argv.slice(2)], { stdio: "inherit" });
  // Ctrl-C reaches the child directly through the terminal we share: passing it on would count as the second one.
  const shared = process.stdin.isTTY === true || process.stderr.isTTY === true;
  process.on("SIGINT", () => void (shared || child.kill("SIGINT")));
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => void child.kill(signal));
  child.on("error", (error) => {
    console.error(`velostream cannot start ${bundled} (${error.code ?? error.message}). Run "npm ci" again.`);
    process.exit(78);
  });
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
