/** DuckDB is an optional dependency: what needs it is loaded through here, and says so where it is not installed. */
import { createRequire } from "node:module";
import { StorageError } from "../../errors.ts";

const PACKAGE = "@duckdb/node-api";

/**
 * Loads modules that import DuckDB.
 * @throws StorageError when DuckDB is what is missing
 */
export async function withDuckDB<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (isInstalled()) throw error;
    throw new StorageError(
      "VELOSTREAM_STORAGE_UNAVAILABLE",
      `Questions to the history, SQL, export and archives of many systems need DuckDB, which is not installed here. Install it beside velostream: npm install ${PACKAGE}`,
      { cause: error },
    );
  }
}

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve(PACKAGE);
    return true;
  } catch {
    return false;
  }
}
