/**
 * kill -9 at random while the archive is written, flushed and compacted, a hundred times: nothing acknowledged is
 * missing, nothing is there twice, every file can be read, and the next writer goes on where the log was left.
 */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { fileList } from "../../../src/history/sql/relation.ts";
import { RAW_PER_BATCH } from "./computed-log.ts";

const FOLDERS = 2;
const KILLS_PER_FOLDER = 50;
/** After the first acknowledgement; long enough for some flushes and compactions, short enough to fall into them. */
const LONGEST_LIFE_MS = 200;

describe("kill -9", { concurrency: true, timeout: 400_000 }, () => {
  for (let index = 0; index < FOLDERS; index += 1)
    test(`${KILLS_PER_FOLDER} times in folder ${index + 1} loses nothing and repeats nothing`, async () => {
      const folder = await mkdtemp(join(tmpdir(), "velostream-kill-"));
      const reader = new ArchiveReader(folder);
      try {
        let acknowledged = -1;
        let files = 0;
        for (let kill = 0; kill < KILLS_PER_FOLDER; kill += 1) {
          acknowledged = Math.max(acknowledged, await liveAndDie(folder, kill));
          // What is lost, repeated or broken stays so: it need not be looked for every time.
          if (kill % 10 !== 9) continue;
          const held = await check(reader, acknowledged);
          files = held.files;
          assert.ok(
            held.batches > acknowledged,
            `batch ${acknowledged} was acknowledged, ${held.batches} are there`,
          );
        }
        assert.ok(acknowledged > KILLS_PER_FOLDER, "it lived long enough to write");
        assert.ok(files > 2, "and to compact");
      } finally {
        reader.close();
        await rm(folder, { recursive: true, force: true });
      }
    });
});

/** @returns the last batch that was acknowledged before the end */
async function liveAndDie(folder: string, kill: number): Promise<number> {
  const child = spawn(process.execPath, [new URL("writer-process.ts", import.meta.url).pathname, folder], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  let last = -1;
  let began: () => void = () => {};
  const first = new Promise<void>((resolve) => (began = resolve));
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => {
    last = Number(line);
    began();
  });
  const closed = once(lines, "close");
  const exited = once(child, "exit");
  await Promise.race([first, exited]);
  // Spread over the whole life, the same ones every time.
  await delay(((kill * 37) % 100) * (LONGEST_LIFE_MS / 100));
  child.kill("SIGKILL");
  const [, signal] = (await exited) as [number | null, string | null];
  await closed;
  assert.equal(signal, "SIGKILL", `it ended by itself: ${errors}`);
  return last;
}

async function check(
  reader: ArchiveReader,
  acknowledged: number,
): Promise<{ readonly batches: number; readonly files: number }> {
  return reader.query(async ({ manifest, fresh }, connection) => {
    const counts: number[] = [];
    for (const table of ["stations", "areas"] as const) {
      const paths = manifest.files.filter((file) => file.table === table).map(({ path }) => path);
      const rows: readonly { readonly offset: number }[] = fresh[table].where();
      const offsets = new Set(rows.map(({ offset }) => offset));
      assert.equal(offsets.size, rows.length, `${table}: the journal repeats a row`);
      if (paths.length > 0) {
        // Every column of every row is decoded.
        const result = await connection.runAndReadAll(
          `SELECT log_offset::DOUBLE, hash(COLUMNS(*)) FROM read_parquet(${fileList(reader.folder, paths)})`,
        );
        for (const row of result.getRowsJS()) {
          const offset = row[0] as number;
          assert.ok(!offsets.has(offset), `${table}: offset ${offset} is there twice`);
          offsets.add(offset);
        }
      }
      const least = (acknowledged + 1) * (table === "stations" ? RAW_PER_BATCH : 1);
      for (let offset = 0; offset < Math.max(least, offsets.size); offset += 1)
        assert.ok(offsets.has(offset), `${table}: offset ${offset} is missing of ${offsets.size}`);
      counts.push(offsets.size / (table === "stations" ? RAW_PER_BATCH : 1));
    }
    assert.equal(counts[0], counts[1]);
    return { batches: counts[0] ?? 0, files: manifest.files.length };
  });
}
