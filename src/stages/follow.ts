/**
 * The one loop that reads the log for a sink.
 *
 *   read from its positions ─▶ take ─▶ …        log away ─▶ wait ─▶ read on from its positions
 *             └─▶ not all taken: wait, nothing more is read ─▶ again the rest ─▶ read anew, behind until caught up
 *             └─▶ a topic was made again: tell it, read anew from its positions
 *   every second: tend
 */
import { AppError } from "../errors.ts";
import type { Clock, Log, Logger, ReadBatch, TopicNames } from "../ports.ts";
import type { Sink } from "./stage.ts";

const TEND_EVERY_MS = 1_000;
const RETRY_MS = 1_000;

/** What the loop needs of a sink. */
export type FollowedSink = Pick<
  Sink,
  "name" | "reads" | "begins" | "waitsForRecords" | "positions" | "topicIds" | "replaced" | "take" | "tend"
>;

export interface FollowOptions {
  readonly sink: FollowedSink;
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The log's producers wait for the sink, however long: no live data comes, and nothing is to be lost. @default false */
  readonly lossless?: boolean;
}

/** Of all reads for one sink. */
interface Reads {
  /** The log does not answer. */
  away: boolean;
  topicIds: ReadonlyMap<string, string>;
}

interface Signals {
  readonly signal: AbortSignal;
  readonly finish: AbortSignal | undefined;
}

/**
 * Reads until `signal` aborts; when `finish` aborts, to the end as it is then. Neither opens nor closes the sink.
 * @throws AppError that waiting cannot mend (a topic that is not allowed)
 */
export async function follow(
  options: FollowOptions,
  signal: AbortSignal,
  finish?: AbortSignal,
): Promise<void> {
  const { sink, clock } = options;
  const ended = new AbortController();
  const tending = (async (): Promise<void> => {
    while (!ended.signal.aborted) {
      await clock.sleep(TEND_EVERY_MS, ended.signal);
      if (!ended.signal.aborted) await sink.tend(clock.now());
    }
  })();
  try {
    await readThroughOutages(options, { signal, finish });
  } finally {
    ended.abort();
    await tending;
  }
}

async function readThroughOutages(options: FollowOptions, signals: Signals): Promise<void> {
  const { sink, clock, logger } = options;
  const reads: Reads = { away: false, topicIds: new Map() };
  while (!signals.signal.aborted) {
    try {
      return await readOn(options, reads, signals);
    } catch (error) {
      if (!(error instanceof AppError) || !error.retryable) throw error;
      if (!reads.away) logger.warn(`${sink.name}.log_unavailable`, error.message);
      reads.away = true;
      await clock.sleep(RETRY_MS, signals.signal);
    }
  }
}

/** Reads from the sink's positions on; after the sink had to wait, anew, to know when all that waited is read. */
async function readOn(options: FollowOptions, reads: Reads, signals: Signals): Promise<void> {
  const { sink, logger } = options;
  let reading = begin(options, reads, signals);
  let next = reading.next();
  try {
    for (let batch = await next; batch.done !== true; batch = await next) {
      if (reads.away) logger.info(`${sink.name}.reading_again`, "Reading the topics again.");
      reads.away = false;
      reads.topicIds = batch.value.topicIds ?? reads.topicIds;
      const taken = await handOver(options, batch.value, signals);
      if (taken === "given_up") return;
      const before = reading;
      if (taken !== "taken") reading = begin(options, reads, signals);
      // The log holds on to what the new one is to read before the old one lets go of it.
      next = reading.next();
      if (taken !== "taken") await before.return?.();
    }
  } finally {
    await reading.return?.();
  }
}

function begin(
  { sink, log, topics, lossless = false }: FollowOptions,
  reads: Reads,
  { signal, finish }: Signals,
): AsyncIterator<ReadBatch> {
  const positions = sink.positions();
  const { begins = "earliest", waitsForRecords } = sink;
  const read = log.read({
    topics: sink.reads.map((topic) => topics[topic]).filter((topic) => topic !== undefined),
    from: positions.size === 0 ? begins : positions,
    topicIds: sink.topicIds?.() ?? reads.topicIds,
    signal,
    ...(finish === undefined ? {} : { finish }),
    ...(lossless || waitsForRecords === undefined ? {} : { waitsForRecords }),
  });
  return read[Symbol.asyncIterator]();
}

/** Hands a batch over, its rest again and again while the sink does not take it. */
async function handOver(
  { sink, clock }: FollowOptions,
  batch: ReadBatch,
  { signal, finish }: Signals,
): Promise<"taken" | "waited" | "given_up" | "replaced"> {
  const { replaced = [] } = batch;
  if (replaced.length > 0 && sink.replaced !== undefined) {
    await sink.replaced(replaced);
    return "replaced";
  }
  let rest = batch.records;
  let waited = false;
  for (;;) {
    const taken = await sink.take({ ...batch, records: rest, caughtUp: batch.caughtUp && !waited });
    rest = rest.slice(taken);
    if (rest.length === 0) return waited ? "waited" : "taken";
    waited = true;
    if (signal.aborted || finish?.aborted === true) return "given_up";
    const either = finish === undefined ? signal : AbortSignal.any([signal, finish]);
    await clock.sleep(RETRY_MS, either);
  }
}
