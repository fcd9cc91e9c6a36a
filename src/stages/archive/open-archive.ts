/** Opens the archive of a folder to write it. Loads no DuckDB: that takes 50 MB. */
import { readVelibReference } from "../../velib/reference-record.ts";
import { ArchiveWriter } from "../../history/write/archive-writer.ts";
import { historyFolder } from "../../history/files/layout.ts";
import type { Clock, Logger, Metrics, TopicNames } from "../../ports.ts";

export interface OpenArchiveInput {
  /** `--data-dir`. */
  readonly dataDir: string;
  /** Remove what is older; null keeps all. */
  readonly retainMs: number | null;
  readonly topics: TopicNames;
  readonly kind: "kafka" | "memory" | "import";
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** @throws StorageError when the folder is another process's, or cannot be used */
export async function openArchive({ dataDir, ...input }: OpenArchiveInput): Promise<ArchiveWriter> {
  return ArchiveWriter.open({
    ...input,
    folder: historyFolder(dataDir),
    readReference: readVelibReference,
  });
}
