/** `import`: the count that is told is that of the captures that are kept. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { importCaptures } from "../../src/cli/import.ts";
import { ArchiveReader } from "../../src/history/read/archive-reader.ts";
import { historyFolder } from "../../src/history/files/layout.ts";
import { temporaryFolder } from "../support/archive.ts";
import { commandContext } from "../support/command-context.ts";
import { systemClock } from "../../src/telemetry/system-clock.ts";

const START = Date.UTC(2025, 9, 9, 8);

function capture(atMs: number, bikes: number): string {
  const station = { station_id: "s1", num_bikes_available: bikes, num_docks_available: 20 - bikes };
  return JSON.stringify({
    fetched_at: atMs,
    station_status: {
      last_updated: Math.floor(atMs / 1_000),
      ttl: 60,
      version: "2.3",
      data: { stations: [station] },
    },
  });
}

for (const [what, bad] of [
  ["no JSON", "{"],
  ["of no GBFS feed", '{"fetched_at": 1760000000000, "station_status": {"hello": 1}}'],
  ["of a time to come", capture(Date.UTC(2099, 0, 1), 9)],
] as const)
  test(`a capture that is ${what}, the last of four, costs itself and is not counted`, async (context) => {
    const folder = await temporaryFolder(context);
    const path = join(folder, "polls.ndjson");
    const lines = [1, 2, 3].map((minute) => capture(START + minute * 60_000, minute));
    await writeFile(path, `${[...lines, bad].join("\n")}\n`);
    const asked = commandContext([path, "--data-dir", folder], systemClock);
    assert.equal(await importCaptures.run(asked), 0);
    assert.match(
      asked.terminal.stderr,
      /Imported 3 captures; 1 (could not be read|was not kept \(2099-01-01T)/,
    );
    const reader = new ArchiveReader(historyFolder(folder));
    context.after(() => reader.close());
    const { manifest } = await reader.snapshot();
    const rows = manifest.files
      .filter(({ table }) => table === "stations")
      .reduce((sum, file) => sum + file.rows, 0);
    assert.equal(rows, 3);
    const again = commandContext([path, "--data-dir", folder], systemClock);
    assert.equal(await importCaptures.run(again), 0);
    assert.match(again.terminal.stderr, /Imported 0 captures; 3 were in the history already/);
  });
