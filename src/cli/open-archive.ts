/** Opens the archive under `--data-dir` to write it beside a pipeline. Loads no DuckDB: that takes 50 MB. */
import type { Settings } from "../config/options.ts";
import { referenceReader } from "../domain/reference-record.ts";
import { areaOfVelibCode } from "../feed/velib-communes.ts";
import { ArchiveWriter } from "../history/write/archive-writer.ts";
import { historyFolder } from "../history/files/layout.ts";
import type { Clock, Logger, Metrics, TopicNames } from "../ports.ts";

export interface OpenArchiveInput {
  readonly settings: Settings;
  readonly topics: TopicNames;
  readonly kind: "kafka" | "memory" | "import";
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** @throws StorageError when the folder is another process's, or cannot be used */
export async function openArchive(input: OpenArchiveInput): Promise<ArchiveWriter> {
  const { settings, topics, kind, clock, logger, metrics } = input;
  return ArchiveWriter.open({
    folder: historyFolder(settings["data-dir"]),
    kind,
    topics,
    readReference: referenceReader(areaOfVelibCode),
    retainMs: kind === "import" ? null : settings.retain,
    clock,
    logger,
    metrics,
  });
}
