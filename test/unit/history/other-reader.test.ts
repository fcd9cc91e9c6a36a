/** The files are Parquet as others read it: by hyparquet, which shares no code with DuckDB. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { readManifest } from "../../../src/history/files/manifest.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { TestClock } from "../../support/test-clock.ts";

const START = Date.UTC(2026, 10, 24, 6);
const HOUR = 3_600_000;

test("another reader sees the same rows, in files fresh and sealed", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START);
  const writer = await openWriter(folder, clock);
  const log = new ScriptedLog();
  for (let hour = 0; hour < 48; hour += 1) {
    await writer.append(
      log.batch([
        { total: hour, electric: hour % 3 === 0 ? null : 1, docks: 2, observedAtMs: START + hour * HOUR },
        { stationId: "é/2", total: 5, observedAtMs: START + hour * HOUR },
      ]),
    );
    await clock.advance(HOUR);
    await writer.flush();
  }
  await writer.close();
  const manifest = await readManifest(folder);
  const rows: Record<string, unknown>[] = [];
  const tables = new Set<string>();
  for (const { path, table } of manifest?.files ?? []) {
    const bytes = await readFile(join(folder, path));
    const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length);
    assert.ok(Number(parquetMetadata(file).num_rows) > 0);
    const read = await parquetReadObjects({
      file,
      compressors: { ZSTD: (input) => new Uint8Array(zstdDecompressSync(input)) },
    });
    tables.add(table);
    if (table === "stations") rows.push(...read);
  }
  assert.deepEqual([...tables].sort(), ["area_keyframes", "areas", "station_keyframes", "stations"]);
  const own = rows
    .filter((row) => row["station_id"] === "1")
    .sort((a, b) => Number(a["log_offset"]) - Number(b["log_offset"]));
  assert.equal(own.length, 48);
  for (const [hour, row] of own.entries()) {
    assert.equal(Number(row["total"]), hour);
    assert.equal(row["electric"] === null ? null : Number(row["electric"]), hour % 3 === 0 ? null : 1);
    assert.equal((row["observed_at"] as Date).getTime(), START + hour * HOUR);
    assert.equal(row["event"], "observed");
    assert.equal(row["name"], "Station 1");
  }
  assert.equal(rows.filter((row) => row["station_id"] === "é/2").length, 48);
});
