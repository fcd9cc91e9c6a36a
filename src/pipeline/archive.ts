/**
 * The archive stage: reads the raw and totals topics from where the archive is, and hands it every record.
 *
 *   read ─▶ append (acknowledged) ─▶ …      log away ─▶ wait ─▶ read on from the archive's positions
 *   every second: tend (files, compaction, retention)
 */
import { AppError } from "../errors.ts";
import type { Archive, Clock, Log, Logger, TopicNames } from "../ports.ts";

const TEND_EVERY_MS = 1_000;
const RETRY_MS = 1_000;

export interface ArchiveStageOptions {
  readonly archive: Archive;
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Reads until `signal` aborts; when `finish` aborts, to the end as it is then. Closes the archive.
 * @throws AppError that waiting cannot mend
 */
export async function runArchive(
  options: ArchiveStageOptions,
  signal: AbortSignal,
  finish?: AbortSignal,
): Promise<void> {
  const { archive, clock } = options;
  const ended = new AbortController();
  const tending = (async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await clock.sleep(TEND_EVERY_MS, ended.signal);
      if (!ended.signal.aborted) await archive.tend();
    }
  })();
  try {
    await follow(options, signal, finish);
  } finally {
    ended.abort();
    await tending;
    await archive.close();
  }
}

async function follow(
  { archive, log, topics, clock, logger }: ArchiveStageOptions,
  signal: AbortSignal,
  finish: AbortSignal | undefined,
): Promise<void> {
  let away = false;
  while (!signal.aborted) {
    try {
      const positions = archive.positions();
      for await (const { records, caughtUp } of log.read({
        topics: [topics.raw, topics.totals],
        from: positions.size === 0 ? "earliest" : positions,
        signal,
        ...(finish === undefined ? {} : { finish }),
      })) {
        if (away) logger.info("archive.reading_again", "Reading the topics again.");
        away = false;
        await archive.append(records, !caughtUp);
      }
      return;
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable) throw error;
      if (!away) logger.warn("archive.log_unavailable", error.message);
      away = true;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}
