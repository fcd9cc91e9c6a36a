/**
 * The archive of a session: written beside the pipeline, or only read, and asked by the server either way. DuckDB is
 * loaded by a server at the first question: it takes 50 MB.
 *
 *   wanted    written in the default folder, where nobody else does    (run)
 *   required  written, or the session does not start                   (archive; run with --data-dir)
 *   read      only read, when there is one                             (serve)
 */
import { StorageError } from "../errors.ts";
import type { ArchiveReader } from "../history/read/archive-reader.ts";
import type { ArchiveWriter } from "../history/write/archive-writer.ts";
import { historyFolder } from "../history/files/layout.ts";
import type { ArchiveQueries } from "../history/read/queries.ts";
import { runArchive } from "../pipeline/archive.ts";
import type { Clock, HealthCheck, HealthState, HistoryQueries, Log, Metrics } from "../ports.ts";
import type { CommandContext } from "./command.ts";
import { topicNames } from "./open-log.ts";

export type ArchiveMode = "wanted" | "required" | "read" | "none";

export interface SessionArchive {
  readonly queries: HistoryQueries;
  readonly checks: readonly HealthCheck[];
  /** Writes until `signal` aborts, or to the end as it is when `finish` does; then everything is in its files. */
  run(signal: AbortSignal, finish: AbortSignal): Promise<void>;
  close(): void;
}

/** null where there is none. @throws StorageError when it is required and cannot be written */
export async function openSessionArchive(
  context: CommandContext,
  log: Log,
  metrics: Metrics,
  mode: ArchiveMode,
): Promise<SessionArchive | null> {
  const { settings, clock, logger } = context;
  if (mode === "none") return null;
  const topics = topicNames(settings);
  let writer: ArchiveWriter | null = null;
  if (mode !== "read") {
    try {
      const { openArchive } = await import("./open-archive.ts");
      writer = await openArchive({ settings, topics, kind: log.kind, clock, logger, metrics });
    } catch (error) {
      const here = context.origins.has("data-dir") || mode === "required";
      if (here || !(error instanceof StorageError)) throw error;
      // Nobody asked for this folder: the pipeline is worth more than its history.
      logger.warn("archive.none", `${error.message} This process keeps no history.`);
    }
  }
  const queries = new LateQueries(historyFolder(settings["data-dir"]), clock);
  return {
    queries,
    checks: writer === null ? [] : [{ name: "archive", check: () => publicState(writer.health()) }],
    run: async (signal, finish) => {
      if (writer !== null) await runArchive({ archive: writer, log, topics, clock, logger }, signal, finish);
    },
    close: () => queries.close(),
  };
}

/** What anybody may know who asks /readyz: not which folder it is. The log tells the operator. */
function publicState({ ok }: HealthState): HealthState {
  const reason = "The data folder cannot be written (full, locked, gone). The server's log says more.";
  return { ok, reason: ok ? null : reason };
}

/** Opens the archive when it is first asked. */
class LateQueries implements HistoryQueries {
  readonly #folder: string;
  readonly #clock: Clock;
  #opening: Promise<{ readonly reader: ArchiveReader; readonly queries: ArchiveQueries }> | null = null;

  constructor(folder: string, clock: Clock) {
    this.#folder = folder;
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
    const [{ ArchiveReader }, { ArchiveQueries }] = await Promise.all([
      import("../history/read/archive-reader.ts"),
      import("../history/read/queries.ts"),
    ]);
    const reader = new ArchiveReader(this.#folder);
    return { reader, queries: new ArchiveQueries(reader, this.#clock) };
  }
}
