/** Names are strangers' text, in files and in questions: each means itself in SQL, whatever it holds. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DuckDBInstance } from "@duckdb/node-api";
import fc from "fast-check";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { findStation } from "../../../src/history/read/find-station.ts";
import { ArchiveQueries } from "../../../src/history/read/queries.ts";
import { literal } from "../../../src/history/sql/relation.ts";
import { openWriter, ScriptedLog, temporaryFolder } from "../../support/archive.ts";
import { HOSTILE } from "../../support/hostile-text.ts";
import { TestClock } from "../../support/test-clock.ts";

const START_MS = Date.UTC(2026, 10, 24, 6);
const NAMES = [
  "' OR 1=1 --",
  "75016\u0000' OR '1'='1",
  "$area",
  "?",
  '"; DROP TABLE stations; --',
  "\\'",
  HOSTILE,
];

test("any text is the literal of itself", async () => {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  await fc.assert(
    fc.asyncProperty(
      fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("a", "\u0000").replaceAll("b", "'")),
      async (text) => {
        const result = await connection.runAndReadAll(`SELECT ${literal(text)}`);
        assert.equal(result.getRowsJS()[0]?.[0], text);
      },
    ),
  );
  connection.closeSync();
  instance.closeSync();
});

test("a question finds the area or station of exactly this name, and none for what only begins like one", async (context) => {
  const folder = await temporaryFolder(context);
  const clock = new TestClock(START_MS);
  const writer = await openWriter(folder, clock);
  const log = new ScriptedLog();
  for (const [at, name] of NAMES.entries())
    await writer.append(
      log.batch([{ stationId: name, area: name, total: at + 1, observedAtMs: START_MS + at }]),
    );
  await writer.append(
    log.batch([{ stationId: "75016", area: "75016", total: 99, observedAtMs: START_MS + 50 }]),
  );
  await writer.close();
  const reader = new ArchiveReader(folder);
  const queries = new ArchiveQueries(reader, new TestClock(START_MS + 3_600_000));
  const range = { fromMs: START_MS, toMs: START_MS + 60_000, stepMs: 60_000, aggregate: "last" as const };
  for (const [at, name] of NAMES.entries()) {
    const area = await queries.areaHistory({ systemId: "velib", area: name, ...range });
    assert.deepEqual(area?.total, [at + 1], JSON.stringify(name));
    const station = await queries.stationHistory({ systemId: "velib", stationId: name, ...range });
    assert.deepEqual(station?.total, [at + 1], JSON.stringify(name));
    assert.equal(await findStation(reader, "velib", name), name);
    assert.equal(await queries.areaHistory({ systemId: "velib", area: `${name}\u0000x`, ...range }), null);
    assert.equal(await queries.areaHistory({ systemId: `${name}\u0000`, area: name, ...range }), null);
  }
  reader.close();
});
