/**
 * SQL on the archive, read-only: views over its files, in a DuckDB that can open nothing else and change nothing.
 *
 *   views made ─▶ external access off but for the archive's files ─▶ configuration locked ─▶ one SELECT
 *
 * Two fences: only a statement that DuckDB itself classifies as a query is run (no COPY, ATTACH, SET, INSTALL, PRAGMA),
 * and what a query may open is the list of files in the manifest.
 */
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { DuckDBInstance, StatementType, type DuckDBConnection } from "@duckdb/node-api";
import { UsageError } from "../../errors.ts";
import type { ArchiveReader } from "../read/archive-reader.ts";
import { jsonRows } from "./json-rows.ts";
import { appendRows, typed } from "./append-rows.ts";
import { literal, literally, rowsOfAll } from "./relation.ts";
import { columnsOf, otherNames, SYSTEM_COLUMN, type Row } from "../files/rows.ts";
import type { Snapshot } from "../read/snapshot.ts";

export interface SqlAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
}

/**
 * @throws UsageError when it is no single query, or DuckDB refuses it
 */
export async function runSql(reader: ArchiveReader, sql: string, signal?: AbortSignal): Promise<SqlAnswer> {
  return reader.query(async (snapshot) => {
    const instance = await DuckDBInstance.create(":memory:", {
      threads: "2",
      memory_limit: "1GB",
      temp_directory: "",
      autoinstall_known_extensions: "false",
      autoload_known_extensions: "false",
      allow_community_extensions: "false",
      allow_unsigned_extensions: "false",
    });
    const connection = await instance.connect();
    const stop = (): void => connection.interrupt();
    signal?.addEventListener("abort", stop);
    try {
      await makeViews(connection, await realpath(reader.folder), snapshot);
      await fence(connection, await realpath(reader.folder), snapshot);
      return await select(connection, sql);
    } finally {
      signal?.removeEventListener("abort", stop);
      connection.closeSync();
      instance.closeSync();
    }
  }, signal);
}

/** `stations` and `areas` with their fresh rows, `coverage` and `gaps`. Times are UTC. */
export async function makeViews(
  connection: DuckDBConnection,
  folder: string,
  snapshot: Snapshot,
): Promise<void> {
  for (const table of ["stations", "areas"] as const) {
    const columns = columnsOf(table);
    const fresh: readonly Row[] = snapshot.fresh[table].where();
    await appendRows(connection, `fresh_${table}`, [SYSTEM_COLUMN, ...columns], fresh);
    const files = snapshot.manifest.files
      .filter((file) => file.table === table)
      .sort((a, b) => (a.day < b.day ? -1 : Number(a.day > b.day)));
    const time = table === "stations" ? "observed_at" : "as_of";
    const parts = [`SELECT system, ${typed(columns)} FROM fresh_${table}`];
    if (files.length > 0) parts.unshift(`SELECT * FROM ${rowsOfAll(folder, table, files)}`);
    await connection.run(
      `CREATE OR REPLACE TEMP VIEW ${table} AS SELECT system, * EXCLUDE (system), ${time}::DATE AS day, ${otherNames(
        table,
      )
        .map(({ column, as }) => `${column} AS ${as}`)
        .join(", ")} FROM (${parts.join(" UNION ALL BY NAME ")})`,
    );
  }
  const spans = snapshot.spans.map(
    ({ system, epoch, fromMs, toMs }) =>
      `(${literal(system)}, ${epoch}, epoch_ms(${fromMs}), epoch_ms(${toMs}))`,
  );
  // Each partition has its own: four that lost the same minutes are one gap to whoever asks.
  const gaps = new Set(
    [...snapshot.manifest.gaps, ...snapshot.fresh.gaps].map(
      ({ system, fromMs, toMs, reason }) =>
        `(${literal(system)}, epoch_ms(${fromMs}), epoch_ms(${toMs}), ${literal(reason)})`,
    ),
  );
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE coverage (system VARCHAR, epoch INTEGER, from_time TIMESTAMP, to_time TIMESTAMP);
     CREATE OR REPLACE TEMP TABLE gaps (system VARCHAR, from_time TIMESTAMP, to_time TIMESTAMP, reason VARCHAR)`,
  );
  if (spans.length > 0) await connection.run(`INSERT INTO coverage VALUES ${spans.join(", ")}`);
  if (gaps.size > 0) await connection.run(`INSERT INTO gaps VALUES ${[...gaps].join(", ")}`);
}

/** From here on this connection's database opens the archive's files and nothing else, and no setting can be changed. */
async function fence(connection: DuckDBConnection, folder: string, snapshot: Snapshot): Promise<void> {
  // Where a name has characters of patterns, both what is asked for and what is found must be allowed.
  const files = snapshot.manifest.files.map(({ path }) => join(folder, path));
  const paths = [...new Set([...files, ...files.map(literally)])].map(literal);
  await connection.run(`SET GLOBAL allowed_paths = [${paths.join(", ")}]`);
  await connection.run("SET GLOBAL enable_external_access = false");
  await connection.run("SET GLOBAL lock_configuration = true");
}

async function select(connection: DuckDBConnection, sql: string): Promise<SqlAnswer> {
  try {
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1) throw refused(`it has ${statements.count} statements`);
    const prepared = await statements.prepare(0);
    if (prepared.statementType !== StatementType.SELECT)
      throw refused(`it is not a query but ${StatementType[prepared.statementType]}`);
    const result = await prepared.runAndReadAll();
    return { columns: result.deduplicatedColumnNames(), rows: jsonRows(result) };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    // Compacted away meanwhile: asked again on what is there now.
    if (error instanceof UsageError || /no files found|cannot open file/i.test(text)) throw error;
    // All that its binding says of a text without a statement.
    if (text === "Error in native callback") throw refused("there is none");
    throw new UsageError(`DuckDB refuses the query: ${text.trim()}`, { cause: error });
  }
}

function refused(why: string): UsageError {
  return new UsageError(`Only one query is run, and ${why}. Write a single SELECT.`);
}
