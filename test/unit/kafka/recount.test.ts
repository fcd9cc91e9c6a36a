/** The checker in Python notices totals that are falsified, repeated or backwards. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("../../support/faults/recount.py", import.meta.url));
const hasPython = spawnSync("python3", ["--version"]).status === 0;

test("a falsified total is found, and right ones are not complained of", { skip: !hasPython }, () => {
  const { status, stderr } = spawnSync("python3", [SCRIPT, "--self-test"], { encoding: "utf8" });
  assert.equal(status, 0, stderr);
});
