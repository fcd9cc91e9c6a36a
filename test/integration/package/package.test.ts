/**
 * What `npm i velostream` gives somebody who has no checkout: the tarball is packed, installed in an empty folder used
 * with an empty environment, and removed. Needs the package registry.
 */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import packageJson from "../../../package.json" with { type: "json" };

const ROOT = join(import.meta.dirname, "../../..");
const folder = mkdtempSync(join(tmpdir(), "velostream-package-"));
const installed = join(folder, "node_modules/velostream");
const command = join(folder, "node_modules/.bin/velostream");
const run = promisify(execFile);

/** The Node that runs this test comes first: the installed package brings none. Nothing else is known. */
const environment = {
  PATH: [dirname(process.execPath), "/usr/local/bin", "/usr/bin", "/bin"].join(delimiter),
  HOME: process.env["HOME"] ?? folder,
};

before(async () => {
  await run(process.execPath, ["scripts/release.ts"], { cwd: ROOT, timeout: 240_000 });
  const release = join(ROOT, "artifacts/release");
  const tarball = join(release, `velostream-${packageJson.version}.tgz`);
  // What people check a download with says that it is whole.
  await run("sha256sum", ["--check", `${tarball}.sha256`], { cwd: release });
  writeFileSync(join(folder, "package.json"), '{ "private": true, "type": "module" }\n');
  // npm finds its registry and certificates by the machine's settings; the program is run without any.
  const { stderr } = await run("npm", ["install", "--no-audit", "--no-fund", tarball], {
    cwd: folder,
    env: { ...process.env, PATH: environment.PATH },
    timeout: 240_000,
  });
  assert.doesNotMatch(stderr, /warn install-scripts.*velostream/, "npm warns of nothing of ours");
});

after(() => rmSync(folder, { recursive: true, force: true }));

async function velostream(...args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return run(command, args, { cwd: folder, env: environment, timeout: 60_000 });
}

test("the package says its version and helps", async () => {
  assert.equal((await velostream("--version")).stdout, `velostream ${packageJson.version}\n`);
  assert.match((await velostream("--help")).stdout, /^velostream turns bike-share feeds/);
  assert.match((await velostream("run", "--help")).stdout, /--feed/);
});

test("the package holds the page and the program, and no sources, tests or checkouts' tools", () => {
  assert.ok(existsSync(join(installed, "web/dist/index.html")));
  assert.ok(existsSync(join(installed, "dist/main.js")));
  for (const name of ["src", "test", "bench", "scripts", "infra"])
    assert.ok(!existsSync(join(installed, name)), name);
  assert.ok(!existsSync(join(folder, "node_modules/node")), "the machine's own Node runs it");
});

test("the demo runs from the package: a table of totals, the page, and a clean end", async () => {
  const { stdout } = await velostream("demo", "--for", "5s", "--port", "0", "--json");
  const totals = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { postcode: string; nbr_total: number });
  assert.ok(totals.length > 50, `${totals.length} totals`);
  assert.ok(totals.every(({ postcode, nbr_total }) => typeof postcode === "string" && nbr_total >= 0));
});

test("the page of the package is served", async () => {
  const child = spawn(command, ["demo", "--for", "20s", "--port", "0", "--json"], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "ignore", "pipe"],
  });
  try {
    let said = "";
    const url = await new Promise<string>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`ended with ${code}: ${said}`)));
      child.stderr.on("data", (chunk: Buffer) => {
        said += chunk.toString();
        const found = /Live page and API: (\S+)/.exec(said)?.[1];
        if (found !== undefined) resolve(found);
      });
    });
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.match(await answer.text(), /<script type="module"/);
  } finally {
    child.kill("SIGTERM");
  }
});

test("a program of ten lines uses the package as a library", async () => {
  writeFileSync(
    join(folder, "program.js"),
    `import { pipeline } from "velostream";

    let areas = 0;
    const running = await pipeline({ feed: [process.argv[2]], interval: 1000, onTotals });
    async function onTotals({ postcode, nbr_total }) {
      console.log(postcode, nbr_total);
      if (++areas === 3) await running.stop();
    }
    await running.done;
    console.log("stopped");
    `,
  );
  const city = spawn(command, ["simulate", "--stations", "50", "--port", "0"], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const url = await new Promise<string>((resolve, reject) => {
      let said = "";
      const hear = (chunk: Buffer): void => {
        said += chunk.toString();
        const found = /http:\/\/\S+gbfs\.json/.exec(said)?.[0];
        if (found !== undefined) resolve(found);
      };
      city.stdout.on("data", hear);
      city.stderr.on("data", hear);
      city.once("exit", (code) => reject(new Error(`ended with ${code}: ${said}`)));
    });
    const { stdout } = await run(process.execPath, ["program.js", url], {
      cwd: folder,
      env: environment,
      timeout: 60_000,
    });
    assert.match(stdout, /\d+ \d+\n[^]*stopped\n$/);
  } finally {
    city.kill("SIGTERM");
  }
});

test("without DuckDB the package still runs, and SQL says what is missing", async () => {
  const duckdb = join(folder, "node_modules/@duckdb");
  rmSync(duckdb, { recursive: true, force: true });
  const data = join(folder, "data");
  const { stdout } = await velostream("demo", "--for", "3s", "--no-serve", "--json");
  assert.ok(stdout.length > 0);
  await assert.rejects(velostream("history", "sql", "SELECT 1", "--data-dir", data), (error: unknown) => {
    const { code, stderr } = error as { code: number; stderr: string };
    assert.equal(code, 69, stderr);
    assert.match(stderr, /npm install @duckdb\/node-api/);
    return true;
  });
});
