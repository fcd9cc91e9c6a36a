/** Questions to the archive of a folder. DuckDB is loaded at the first one: it takes 50 MB. */
import type { ArchiveReader } from "../../history/read/archive-reader.ts";
import type { ArchiveQueries } from "../../history/read/queries.ts";
import { historyFolder } from "../../history/files/layout.ts";
import { withDuckDB } from "../../history/sql/with-duckdb.ts";
import type { Clock, HistoryQueries } from "../../ports.ts";

/** Opens the archive when it is first asked. */
export class LateQueries implements HistoryQueries {
  readonly #folder: string;
  readonly #clock: Clock;
  #opening: Promise<{ readonly reader: ArchiveReader; readonly queries: ArchiveQueries }> | null = null;

  constructor(dataDir: string, clock: Clock) {
    this.#folder = historyFolder(dataDir);
    this.#clock = clock;
  }

  async areaHistory(...query: Parameters<HistoryQueries["areaHistory"]>) {
    return (await this.#opened()).queries.areaHistory(...query);
  }

  async stationHistory(...query: Parameters<HistoryQueries["stationHistory"]>) {
    return (await this.#opened()).queries.stationHistory(...query);
  }

  async areaTypical(...query: Parameters<HistoryQueries["areaTypical"]>) {
    return (await this.#opened()).queries.areaTypical(...query);
  }

  close(): void {
    void this.#opening?.then(
      ({ reader }) => reader.close(),
      () => {},
    );
  }

  async #opened() {
    this.#opening ??= this.#open();
    return this.#opening;
  }

  async #open() {
    const [{ ArchiveReader }, { ArchiveQueries }] = await withDuckDB(async () =>
      Promise.all([import("../../history/read/archive-reader.ts"), import("../../history/read/queries.ts")]),
    );
    const reader = new ArchiveReader(this.#folder);
    return { reader, queries: new ArchiveQueries(reader, this.#clock) };
  }
}
