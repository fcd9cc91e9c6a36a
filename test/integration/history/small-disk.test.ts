/** A small disk that really fills and is freed, over and over: nothing is lost, repeated, or said to be lost. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { RAW_PER_BATCH, timeOfBatch } from "./computed-log.ts";

const run = promisify(execFile);
const PROCESS = fileURLToPath(new URL("small-disk-process.ts", import.meta.url));
const BATCHES = 250;

const DISKS = {
  tmpfs: 'mount -t tmpfs -o size=4m tmpfs "$1/disk"',
  ext4: 'truncate -s 12M "$1/image" && mkfs.ext4 -q -m 0 "$1/image" && mount -o loop "$1/image" "$1/disk"',
};

interface Held {
  readonly stations: readonly number[];
  readonly areas: readonly number[];
  readonly gaps: readonly number[];
  readonly coverage: readonly number[];
  readonly ok: boolean;
  readonly reason: string | null;
  readonly refused: number;
}

for (const [name, mount] of Object.entries(DISKS))
  for (const seed of [1])
    test(`a full ${name} (seed ${seed})`, { timeout: 180_000 }, async (context) => {
      const folder = await mkdtemp(join(tmpdir(), "velostream-disk-"));
      try {
        // A mount of its own, gone with the process.
        const own = process.getuid?.() === 0 ? ["-m"] : ["-r", "-m"];
        const script = `mkdir "$1/disk" && ${mount}`;
        const args = (then: string): string[] => [...own, "sh", "-c", `${script} && ${then}`, "sh", folder];
        const allowed = await run("unshare", args("true")).then(
          () => null,
          (error: unknown) => (error as Error).message.split("\n").slice(0, 2).join(" "),
        );
        if (allowed !== null) return context.skip(`${name} cannot be mounted here: ${allowed}`);
        await rm(join(folder, "disk"), { recursive: true });
        const { stdout } = await run("unshare", [
          ...args('exec "$2" "$3" "$1/disk" "$4" "$5"'),
          process.execPath,
          PROCESS,
          String(seed),
          String(BATCHES),
        ]);
        const held = JSON.parse(stdout) as Held;
        assert.equal(held.ok, true, held.reason ?? "");
        assert.ok(held.refused > 3, `the disk was full ${held.refused} times`);
        const raw = BATCHES * RAW_PER_BATCH;
        assert.deepEqual(held.stations, [raw, raw, raw - 1]);
        assert.deepEqual(held.areas, [BATCHES, BATCHES, BATCHES - 1]);
        assert.deepEqual(held.gaps, [0]);
        assert.deepEqual(held.coverage, [1, timeOfBatch(0), timeOfBatch(BATCHES - 1)]);
      } finally {
        await rm(folder, { recursive: true, force: true });
      }
    });
