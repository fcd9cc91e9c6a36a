/**
 * One writer a totals topic: looked at before anything is written, and again and again while this process writes.
 *
 *   claim ──somebody else's──▶ refused, or with --take-over: their newest record once more under our name, so that they see it
 *     │ ours
 *     ▼
 *   watch every 5 s ──a later claim than ours──▶ rejects: the stage stops      others write on under an older claim ──▶ warning
 */
import {
  claimOf,
  decodeWriter,
  encodeWriter,
  isSameWriter,
  nameOfWriter,
  newestWriter,
  type TotalsWriter,
} from "../record/totals-writer.ts";
import { LogError } from "../errors.ts";
import type { Clock, Log, Logger, LogRecord } from "../ports.ts";

/** How long two writers may stand beside each other unnoticed. */
const LOOK_EVERY_MS = 5_000;

export interface OwnershipOptions {
  readonly log: Log;
  readonly totalsTopic: string;
  readonly engine: "node" | "spark";
  readonly group: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Claimed {
  readonly writer: TotalsWriter;
  /** Somebody else wrote until now: what they put out, and we did not, must be put out anew. */
  readonly takenOver: boolean;
}

/** The last record of each partition of the totals, with who wrote it. */
export async function lastTotals(
  log: Log,
  topic: string,
  signal?: AbortSignal,
): Promise<readonly { readonly record: LogRecord; readonly writer: TotalsWriter | null }[]> {
  const records = await log.lastRecords(topic, signal);
  return records.map((record) => ({ record, writer: decodeWriter(record.headers["writer"]) }));
}

/** @throws LogError when the totals are somebody else's, and `takeOver` is not wanted */
export async function claimTotals(options: OwnershipOptions, takeOver: boolean): Promise<Claimed> {
  const { log, totalsTopic, engine, group, clock, logger } = options;
  const last = await lastTotals(log, totalsTopic);
  const claim = claimOf(
    { engine, group },
    newestWriter(last.map(({ writer }) => writer)),
    takeOver,
    clock.now(),
  );
  if (!claim.ok)
    throw new LogError(
      "VELOSTREAM_LOG_REFUSED",
      `The totals in ${totalsTopic} are written by ${nameOfWriter(claim.holder)}, and a second writer beside it would send them backwards. Stop that one and start ${nameOfWriter({ engine, group })} with --take-over.`,
      { details: { engine: claim.holder.engine, group: claim.holder.group } },
    );
  const { writer, from } = claim;
  if (from !== null) {
    logger.warn("aggregate.taken_over", `The totals of ${nameOfWriter(from)} are taken over.`, {
      topic: totalsTopic,
      engine: from.engine,
      group: from.group,
    });
    await announce(options, last, writer);
  }
  return { writer, takenOver: takeOver };
}

/**
 * Says in the topic who the writer is now, before the first total of ours: the newest record of the one before, once
 * more and unchanged but for the name. Readers drop it, its `through` is not greater.
 */
async function announce(
  { log, totalsTopic }: OwnershipOptions,
  last: readonly { readonly record: LogRecord }[],
  writer: TotalsWriter,
): Promise<void> {
  const producer = await log.producer();
  try {
    await producer.publish(
      last.map(({ record }) => ({
        topic: totalsTopic,
        key: record.key,
        value: record.value,
        partition: record.partition,
        headers: { ...record.headers, writer: encodeWriter(writer) },
        timestampMs: record.timestampMs,
      })),
    );
  } finally {
    await producer.close();
  }
}

/**
 * Looks until `signal` aborts.
 * @throws LogError once somebody has taken the totals over from us
 */
export async function watchTotals(
  options: OwnershipOptions,
  writer: TotalsWriter,
  signal: AbortSignal,
): Promise<void> {
  const { log, totalsTopic, clock, logger } = options;
  const seen = new Map<number, number>();
  let warned = false;
  while (!signal.aborted) {
    await clock.sleep(LOOK_EVERY_MS, signal);
    if (signal.aborted) return;
    // While the log is away nobody writes, and others say that it is.
    const last = await lastTotals(log, totalsTopic, signal).catch(() => []);
    requireOurs(options, writer, last);
    const stranger = last.find(
      ({ record, writer: by }) =>
        by !== null && !isSameWriter(by, writer) && record.offset > (seen.get(record.partition) ?? Infinity),
    );
    if (stranger?.writer && !warned) {
      warned = true;
      logger.warn(
        "aggregate.second_writer",
        `${nameOfWriter(stranger.writer)} still writes to ${totalsTopic}. Stop it: consumers that take the last record see totals go backwards.`,
      );
    }
    for (const { record } of last) seen.set(record.partition, record.offset);
  }
}

/** @throws LogError when the topic says that the totals are somebody else's now */
export async function confirmOurs(options: OwnershipOptions, writer: TotalsWriter): Promise<void> {
  requireOurs(options, writer, await lastTotals(options.log, options.totalsTopic));
}

function requireOurs(
  { totalsTopic }: OwnershipOptions,
  writer: TotalsWriter,
  last: readonly { readonly writer: TotalsWriter | null }[],
): void {
  const newest = newestWriter(last.map((each) => each.writer));
  if (newest === null || isSameWriter(newest, writer) || newest.sinceMs <= writer.sinceMs) return;
  throw new LogError(
    "VELOSTREAM_LOG_REFUSED",
    `${nameOfWriter(newest)} took the totals in ${totalsTopic} over from ${nameOfWriter(writer)}, which stops here. Start this one with --take-over to have them back.`,
    { details: { engine: newest.engine, group: newest.group } },
  );
}
