/** Node's permission model: the flags that SECURITY.md gives are enough, and what they leave out is refused in words. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { startSimulator, type Simulator } from "../../../src/simulate/simulator.ts";
import { systemClock } from "../../../src/telemetry/system-clock.ts";

const CHECKOUT = fileURLToPath(new URL("../../../", import.meta.url));
const LIMIT_MS = 60_000;
const folder = mkdtempSync(join(tmpdir(), "velostream-permission-"));
const data = join(folder, "data");
const FILES = [`--allow-fs-read=${CHECKOUT}`, `--allow-fs-read=${data}`, `--allow-fs-write=${data}`];

let simulator: Simulator;
before(async () => {
  mkdirSync(data);
  simulator = await startSimulator({ clock: systemClock, stations: 40, changePeriodMs: 1_000 });
});
after(async () => {
  await simulator.stop();
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  readonly exitCode: number | null;
  readonly stderr: string;
}

function permitted(flags: readonly string[], ...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, ["--permission", ...flags, join(CHECKOUT, "src/main.ts"), ...args], {
    stdio: ["ignore", "ignore", "pipe"],
    timeout: LIMIT_MS,
    killSignal: "SIGKILL",
  });
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode, stderr }));
  });
}

test("demo runs with the files of the checkout alone", async () => {
  const { exitCode, stderr } = await permitted(FILES, "demo", "--port", "0", "--for", "2s");
  assert.equal(exitCode, 0, stderr);
});

test("run keeps its history, history is exported within the folder, and nowhere else", async () => {
  const running = await permitted(
    [...FILES, "--allow-child-process"],
    ..."run --json --no-serve --for 3s --data-dir".split(" "),
    data,
    "--feed",
    simulator.url,
  );
  assert.equal(running.exitCode, 0, running.stderr);
  assert.ok(readdirSync(join(data, "history")).includes("manifest.json"));

  const flags = [...FILES, "--allow-addons"];
  const exported = async (output: string, format: string): Promise<Ended> =>
    permitted(flags, "history", "export", "--data-dir", data, "--format", format, "--output", output);
  assert.equal((await exported(join(data, "out.csv"), "csv")).exitCode, 0);
  const { exitCode, stderr } = await exported(join(folder, "elsewhere.csv"), "csv");
  assert.deepEqual([exitCode, /--output: .*cannot be written.*Name a file/.test(stderr)], [78, true], stderr);
  assert.deepEqual(readdirSync(folder), ["data"]);
});
