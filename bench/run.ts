/** `npm run bench`: every claim in turn, each in a process of its own; `npm run bench -- NAME …` only those. */
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

const folder = new URL("./", import.meta.url);
const all = readdirSync(folder)
  .filter((name) => name.endsWith(".ts") && name !== "run.ts")
  .map((name) => name.slice(0, -3));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`No bench is called ${unknown.join(", ")}. There are: ${all.join(", ")}.`);
  process.exit(64);
}
for (const name of wanted.length > 0 ? wanted : all) {
  const { status } = spawnSync(
    process.execPath,
    ["--expose-gc", "--max-semi-space-size=8", new URL(`${name}.ts`, folder).pathname],
    {
      stdio: "inherit",
    },
  );
  if (status !== 0) process.exitCode = 1;
}
