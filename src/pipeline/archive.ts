/**
 * The archive stage: reads the raw and totals topics from where the archive is, and hands it every record.
 *
 *   read ─▶ append ─▶ acknowledged ─▶ …     log away ─▶ wait ─▶ read on from the archive's positions
 *             └─▶ disk full: wait, nothing more is read ─▶ again the same records ─▶ read on, behind until caught up
 *   every second: tend (files, compaction, retention)
 */
import { AppError } from "../errors.ts";
import type { Archive } from "../archive-ports.ts";
import type { Clock, Log, Logger, ReadBatch, TopicNames } from "../ports.ts";

const TEND_EVERY_MS = 1_000;
const RETRY_MS = 1_000;
/**
 * Records of a topic that wait in a log in memory while the disk is full: some 20 minutes of Vélib', 50 MB. A log on Kafka
 * keeps what its topics keep.
 */
const WAITING_RECORDS = 100_000;

export interface ArchiveStageOptions {
  readonly archive: Archive;
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The pipeline waits while the disk is full: nothing is to be lost, and no live data comes. @default false */
  readonly lossless?: boolean;
  /** Of a log in memory, else: records of a topic that wait meanwhile. @default 100000 */
  readonly waitsForRecords?: number;
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
  options: ArchiveStageOptions,
  signal: AbortSignal,
  finish: AbortSignal | undefined,
): Promise<void> {
  const { clock, logger } = options;
  const away = { is: false };
  while (!signal.aborted) {
    try {
      return await readOn(options, away, signal, finish);
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable) throw error;
      if (!away.is) logger.warn("archive.log_unavailable", error.message);
      away.is = true;
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

/** Reads from the archive's positions on; after the archive had to wait, anew, to know when all that waited is read. */
async function readOn(
  options: ArchiveStageOptions,
  away: { is: boolean },
  signal: AbortSignal,
  finish: AbortSignal | undefined,
): Promise<void> {
  const { logger } = options;
  let reading = begin(options, signal, finish);
  let next = reading.next();
  try {
    for (let batch = await next; batch.done !== true; batch = await next) {
      if (away.is) logger.info("archive.reading_again", "Reading the topics again.");
      away.is = false;
      const kept = await keep(options, batch.value, signal, finish);
      if (kept === "given_up") return;
      const before = reading;
      if (kept === "waited") reading = begin(options, signal, finish);
      // The log holds on to what the new one is to read before the old one lets go of it.
      next = reading.next();
      if (kept === "waited") await before.return?.();
    }
  } finally {
    await reading.return?.();
  }
}

function begin(
  { archive, log, topics, lossless = false, waitsForRecords = WAITING_RECORDS }: ArchiveStageOptions,
  signal: AbortSignal,
  finish: AbortSignal | undefined,
): AsyncIterator<ReadBatch> {
  const positions = archive.positions();
  const read = log.read({
    topics: [topics.raw, topics.totals],
    from: positions.size === 0 ? "earliest" : positions,
    signal,
    ...(finish === undefined ? {} : { finish }),
    ...(lossless ? {} : { waitsForRecords }),
  });
  return read[Symbol.asyncIterator]();
}

/** Hands a batch over, again and again while the disk is full. */
async function keep(
  { archive, clock, logger, log }: ArchiveStageOptions,
  { records, caughtUp, missing }: ReadBatch,
  signal: AbortSignal,
  finish: AbortSignal | undefined,
): Promise<"taken" | "waited" | "given_up"> {
  let rest = records;
  let waited = false;
  for (;;) {
    rest = rest.slice(await archive.append(rest, { behind: waited || !caughtUp, missing }));
    if (rest.length === 0) return waited ? "waited" : "taken";
    waited = true;
    if (signal.aborted || finish?.aborted === true) break;
    const either = finish === undefined ? signal : AbortSignal.any([signal, finish]);
    await clock.sleep(RETRY_MS, either);
  }
  const since = new Date(rest[0]?.timestampMs ?? 0).toISOString();
  logger.error(
    "archive.stopped_behind",
    log.kind === "kafka"
      ? `The archive stops while it cannot be written: records from ${since} on wait in Kafka, and are read at its next start.`
      : `The archive stops while it cannot be written: records from ${since} on are lost (${archive.health().reason ?? "not written"}).`,
  );
  return "given_up";
}
