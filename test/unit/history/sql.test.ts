/** SQL on the archive reads its views, and nothing else on the machine; it changes nothing. */
import assert from "node:assert/strict";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { UsageError } from "../../../src/errors.ts";
import { ArchiveReader } from "../../../src/history/read/archive-reader.ts";
import { readManifest } from "../../../src/history/files/manifest.ts";
import { exportRows } from "../../../src/history/sql/export.ts";
import { columnsOf, otherNames } from "../../../src/history/files/rows.ts";
import { runSql } from "../../../src/history/sql/query.ts";
import { openWriter, ScriptedLog } from "../../support/archive.ts";
import { TestClock } from "../../support/test-clock.ts";

const AT = Date.UTC(2026, 10, 24, 6);

describe("history sql", () => {
  let folder = "";
  let reader: ArchiveReader;
  let secret = "";
  let parquet = "";
  let before_: Buffer;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "velostream-sql-"));
    secret = join(folder, "..", `velostream-secret-${process.pid}.csv`);
    await writeFile(secret, "secret\n42\n");
    const writer = await openWriter(folder, new TestClock(AT));
    const log = new ScriptedLog();
    await writer.append(log.batch([{ total: 5, observedAtMs: AT }]));
    await writer.flush();
    await writer.append(log.batch([{ total: 7, observedAtMs: AT + 60_000 }]));
    await writer.abandon();
    reader = new ArchiveReader(folder);
    const manifest = await readManifest(folder);
    parquet = join(folder, manifest?.files.find(({ table }) => table === "stations")?.path ?? "");
    before_ = await readFile(parquet);
  });
  after(async () => {
    reader.close();
    await rm(folder, { recursive: true, force: true });
    await rm(secret, { force: true });
  });

  test("sees files and journal in one view", async () => {
    const { columns, rows } = await runSql(
      reader,
      "SELECT total, observed_at, day FROM stations ORDER BY total",
    );
    assert.deepEqual(columns, ["total", "observed_at", "day"]);
    assert.deepEqual(rows, [
      [5, "2026-11-24 06:00:00", "2026-11-24"],
      [7, "2026-11-24 06:01:00", "2026-11-24"],
    ]);
    assert.deepEqual((await runSql(reader, "SELECT system, area, total FROM areas ORDER BY total")).rows, [
      ["velib", "75016", 5],
      ["velib", "75016", 7],
    ]);
    assert.equal((await runSql(reader, "SELECT * FROM coverage")).rows.length, 1);
    assert.equal((await runSql(reader, "SELECT * FROM gaps")).rows.length, 0);
    assert.equal((await runSql(reader, "WITH a AS (SELECT 1 AS one) SELECT * FROM a")).rows.length, 1);
  });

  test("tells a gap that several partitions have in common once", async () => {
    const twice = await mkdtemp(join(tmpdir(), "velostream-gaps-"));
    await cp(folder, twice, { recursive: true });
    const manifest = JSON.parse(await readFile(join(twice, "manifest.json"), "utf8")) as object;
    const gap = { system: "velib", fromMs: AT, toMs: AT + 60_000, reason: "compacted" };
    await writeFile(join(twice, "manifest.json"), JSON.stringify({ ...manifest, gaps: [gap, gap] }));
    const other = new ArchiveReader(twice);
    assert.deepEqual((await runSql(other, "SELECT reason FROM gaps")).rows, [["compacted"]]);
    other.close();
    await rm(twice, { recursive: true });
  });

  test("takes the names that records and the API have, and exports each column once", async () => {
    for (const table of ["stations", "areas"] as const) {
      const aliases = otherNames(table);
      const names = aliases.map(({ as }) => as);
      for (const name of ["system_id", "postcode", "nbr_total", "nbr_elec", "nbr_meca", "nbr_docks"])
        assert.ok(names.includes(name), `${table}: ${name}`);
      const differs = aliases.map(({ column, as }) => `${as} IS DISTINCT FROM ${column}`).join(" OR ");
      const [row] = (await runSql(reader, `SELECT count(*), count(*) FILTER (${differs}) FROM ${table}`))
        .rows;
      assert.deepEqual(row, [2, 0]);
      const range = { table, system: "velib", fromMs: AT, toMs: AT + 3_600_000 };
      const { columns, rows } = await exportRows(reader, range, "2026-11-24");
      assert.deepEqual(columns, ["system", ...columnsOf(table).map(({ name }) => name)]);
      assert.equal(rows.length, 2);
    }
  });

  const other = (): string => join(folder, "other.parquet");
  const attacks: readonly (() => string)[] = [
    () => "SELECT * FROM read_csv('/etc/passwd')",
    () => "SELECT * FROM read_text('/etc/passwd')",
    () => "SELECT * FROM read_blob('/etc/passwd')",
    () => "SELECT * FROM '/etc/passwd'",
    () => `SELECT * FROM '${secret}'`,
    () => `SELECT * FROM read_csv('${secret}')`,
    () => `SELECT * FROM read_text('${folder}/../velostream-secret-${process.pid}.csv')`,
    () => `SELECT * FROM read_text('${folder}/manifest.json')`,
    () => `SELECT * FROM read_parquet('${folder}/stations/../../**/*.parquet')`,
    () => "SELECT * FROM glob('/etc/*')",
    () => "SELECT * FROM sniff_csv('/etc/passwd')",
    () => "SELECT * FROM read_json('http://127.0.0.1:9/x')",
    () => "SELECT * FROM query('COPY stations TO ''/tmp/x.csv''')",
    () => "SELECT getenv('HOME')",
    () => `COPY stations TO '${other()}'`,
    () => `COPY stations TO '${parquet}' (FORMAT parquet)`,
    () => `COPY (SELECT 1) TO '/dev/stdout'`,
    () => `EXPLAIN ANALYZE COPY (SELECT 1) TO '${parquet}' (FORMAT parquet)`,
    () => `EXPLAIN COPY (SELECT 1) TO '${parquet}'`,
    () => `EXPORT DATABASE '${folder}/export'`,
    () => `IMPORT DATABASE '${folder}'`,
    () => `ATTACH '${folder}/writer.lock' AS lock`,
    () => `ATTACH '${folder}/new.duckdb'`,
    () => "INSTALL httpfs",
    () => "LOAD httpfs",
    () => "LOAD '/tmp/x.duckdb_extension'",
    () => "SET enable_external_access = true",
    () => "RESET enable_external_access",
    () => "SET GLOBAL allowed_paths = ['/etc/passwd']",
    () => "SET allowed_directories = ['/']",
    () => "SET lock_configuration = false",
    () => "PRAGMA enable_external_access",
    () => "SET temp_directory = '/tmp/velostream-spill'",
    () => "CREATE TABLE x AS SELECT 1",
    () => "CREATE OR REPLACE VIEW stations AS SELECT 1",
    () => "DROP VIEW stations",
    () => "INSERT INTO gaps VALUES ('velib', now(), now(), 'x')",
    () => "DELETE FROM coverage",
    () => "UPDATE coverage SET epoch = 9",
    () => "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    () => "CALL enable_logging(storage_path = '/tmp')",
    () => "CHECKPOINT",
    () => "VACUUM",
    () => "SELECT 1; COPY stations TO '/tmp/x.csv'",
    () => "SELECT 1; SELECT 2",
    () => "",
    () => "nonsense",
  ];
  for (const attack of attacks)
    test(`refuses ${attack().replaceAll(/\d{3,}|'[^']{20,}'/g, "…") || "nothing at all"}`, async () => {
      await assert.rejects(runSql(reader, attack()), (error) => error instanceof UsageError);
      assert.deepEqual(await readFile(parquet), before_);
      await assert.rejects(readFile(other()), { code: "ENOENT" });
    });

  test("a refusal says what there is instead of one query", async () => {
    const why = async (sql: string) => runSql(reader, sql).then(String, (error: Error) => error.message);
    assert.equal(await why("  "), "Only one query is run, and there is none. Write a single SELECT.");
    assert.match(await why("-- only a comment"), /^Only one query is run, and there is none\./);
    assert.match(await why("ATTACH 'x.db'"), /^Only one query is run, and it is not a query but ATTACH\./);
  });

  test("a query that is told to stop stops", { timeout: 20_000 }, async () => {
    const stop = new AbortController();
    const endless = runSql(
      reader,
      "SELECT count(*) FROM range(10000000000) a, range(10000000000) b",
      stop.signal,
    );
    setImmediate(() => setTimeout(() => stop.abort(), 50));
    await assert.rejects(endless);
  });
});
