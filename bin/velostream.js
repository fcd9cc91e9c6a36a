#!/usr/bin/env node
// Starts the program on Node 24: in the checkout src/main.ts, whatever Node the machine has (the npm package `node`
// brings one); in the installed package dist/main.js, on the machine's own Node.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
// Whole: an older Node has no enableCompileCache, and a named import of it would keep this file from running at all.
import nodeModule from "node:module";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { setFlagsFromString } from "node:v8";

// V8 lets the young generation grow to 128 MB; with 16 MB the same work takes some 80 MB less, and no longer. What shows
// a page has many readers and little work: 8 MB (docs/decisions/0033, bench/stream-latency.ts).
const shows = ["run", "serve", "demo", "replay"].includes(process.argv[2]);
const flags = [`--max-semi-space-size=${shows ? 4 : 8}`];
// glibc raises its threshold for memory that goes back to the system as soon as something large was freed; fixed, a
// page with 1,000 clients takes 20 to 40 MB less, a system of 100,000 stations 30. Each thread's own arena keeps holes
// of its own: two are enough. The user's own settings win.
const malloc = { MALLOC_MMAP_THRESHOLD_: "65536", MALLOC_TRIM_THRESHOLD_: "131072", MALLOC_ARENA_MAX: "2" };
const environment = { ...malloc, ...process.env };
const wanted = 24;
const source = new URL("../src/main.ts", import.meta.url);
// The package holds no sources: Node strips no types under node_modules.
const isCheckout = existsSync(source);
const main = isCheckout ? source : new URL("../dist/main.js", import.meta.url);

if (Number(process.versions.node.split(".")[0]) >= wanted) {
  // Both are read when a process starts: this one starts itself anew (same pid, no second process), where that is
  // possible. 30 ms, once.
  const isSet = Object.keys(malloc).every((name) => name in process.env);
  // Without /proc it does not know its own path, and a failed execve ends the process.
  const isStartable = process.platform === "linux" && existsSync(process.execPath);
  if (!isSet && process.execve !== undefined && isStartable) {
    const own = process.execArgv.some((flag) => flag.startsWith(flags[0].split("=")[0])) ? [] : flags;
    const args = [...process.execArgv, ...own, fileURLToPath(import.meta.url), ...process.argv.slice(2)];
    process.execve(process.execPath, [process.argv0, ...args], environment);
  }
  // The old generation may grow by a fifth before it is collected, not by its own size: 70 MB less for 1 % of a core.
  setFlagsFromString("--heap-growing-percent=20");
  // Types are stripped and code is compiled once: starts in half the time. In our own folder, where nobody else writes;
  // where we may not write either, it goes without.
  nodeModule.enableCompileCache(fileURLToPath(new URL("../node_modules/.cache/compile", import.meta.url)));
  await import(main.href);
} else {
  const bundled = fileURLToPath(new URL("../node_modules/node/bin/node", import.meta.url));
  if (!existsSync(bundled)) {
    const remedy = isCheckout
      ? 'Run "npm ci" in the checkout: it brings one.'
      : "Install a newer one from https://nodejs.org, or run it with: npx -p node@24 -p velostream velostream";
    console.error(`velostream needs Node ${wanted} or newer, this is ${process.version}. ${remedy}`);
    process.exit(78);
  }
  const self = fileURLToPath(import.meta.url);
  const child = spawn(bundled, [...flags, self, ...process.argv.slice(2)], {
    stdio: "inherit",
    env: environment,
  });
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
