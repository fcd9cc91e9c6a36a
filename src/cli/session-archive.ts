/**
 * The archive of a session: written beside the pipeline, or only read, and asked by the server either way. DuckDB is
 * loaded by a server at the first question: it takes 50 MB.
 *
 *   wanted    written in the default folder, where nobody else does    (run)
 *   required  written, or the session does not start                   (archive; run with --data-dir)
 *   read      only read, when there is one                             (serve)
 */
import { withDuckDB } from "../history/sql/with-duckdb.ts";
import type { ArchiveReader } from "../history/read/archive-reader.ts";
import { historyFolder } from "../history/files/layout.ts";
import type { ArchiveQueries } from "../history/read/queries.ts";
import type { Clock, HealthCheck, HistoryQueries } from "../ports.ts";
import { follow } from "../session/follow.ts";
import { ArchiveStage } from "../stages/archive/archive.ts";
import type { StageContext } from "../stages/stage.ts";
import type { CommandContext } from "./command.ts";

export type ArchiveMode = "wanted" | "required" | "read" | "none";

export interface SessionArchive {
  readonly queries: HistoryQueries;
  readonly checks: readonly HealthCheck[];
  /** Writes until `signal` aborts, or to the end as it is when `finish` does; then everything is in its files. */
  run(signal: AbortSignal, finish: AbortSignal): Promise<void>;
  /** Lets go of the folder, where `run` did not do so, and of what was asked. */
  close(): Promise<void>;
}

/** null where there is none. @throws StorageError when it is required and cannot be written */
export async function openSessionArchive(
  { settings, origins }: CommandContext,
  context: StageContext,
  mode: ArchiveMode,
): Promise<SessionArchive | null> {
  if (mode === "none") return null;
  const stage = new ArchiveStage({
    required: origins.has("data-dir") || mode === "required",
    openArchive: async ({ log, topics, clock, logger, metrics }) => {
      const { openArchive } = await import("../stages/archive/open-archive.ts");
      return openArchive({
        dataDir: settings["data-dir"],
        retainMs: settings.retain,
        topics,
        kind: log.kind,
        clock,
        logger,
        metrics,
      });
    },
  });
  if (mode !== "read") await stage.open(context);
  const queries = new LateQueries(historyFolder(settings["data-dir"]), context.clock);
  let running = false;
  return {
    queries,
    checks:
      stage.health() === null
        ? []
        : [{ name: "archive", check: () => stage.health() ?? { ok: true, reason: null } }],
    run: async (signal, finish) => {
      running = true;
      try {
        if (stage.reads.length > 0) await follow({ ...context, sink: stage }, signal, finish);
        await stage.drain();
      } finally {
        await stage.close();
      }
    },
    close: async () => {
      queries.close();
      if (!running) await stage.close();
    },
  };
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
    const [{ ArchiveReader }, { ArchiveQueries }] = await withDuckDB(async () =>
      Promise.all([import("../history/read/archive-reader.ts"), import("../history/read/queries.ts")]),
    );
    const reader = new ArchiveReader(this.#folder);
    return { reader, queries: new ArchiveQueries(reader, this.#clock) };
  }
}
