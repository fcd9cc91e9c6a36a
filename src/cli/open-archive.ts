/** Opens the archive under `--data-dir`: to write it beside a pipeline, or to read it. */
import { stat } from "node:fs/promises";
import type { Settings } from "../config/options.ts";
import { referenceReader } from "../domain/reference-record.ts";
import { StorageError } from "../errors.ts";
import { areaOfVelibCode } from "../feed/velib-communes.ts";
import { ArchiveReader } from "../history/archive-reader.ts";
import { ArchiveWriter } from "../history/archive-writer.ts";
import { historyFolder } from "../history/layout.ts";
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

/**
 * Opens an archive that is there.
 * @throws StorageError when there is none
 */
export async function openReader(settings: Settings): Promise<ArchiveReader> {
  const folder = historyFolder(settings["data-dir"]);
  // Before the first files there is a journal only.
  if ((await stat(folder).catch(() => null)) === null)
    throw new StorageError(
      "VELOSTREAM_STORAGE_INVALID",
      `There is no archive in ${settings["data-dir"]}. Start "velostream run" or "velostream import" with it, or name another --data-dir.`,
    );
  return new ArchiveReader(folder);
}
