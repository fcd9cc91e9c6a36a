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
} from "../../record/totals-writer.ts";
import { LogError } from "../../errors.ts";
import type { Clock, Log, Logger, LogRecord } from "../../ports.ts";

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
  /** Next offset of the totals after those looked at, by `topic:partition`. */
  readonly seen: ReadonlyMap<string, number>;
}

/** @throws LogError when the totals are somebody else's, and `takeOver` is not wanted */
export async function claimTotals(options: OwnershipOptions, takeOver: boolean): Promise<Claimed> {
  const { log, totalsTopic, engine, group, clock, logger } = options;
  const last = await log.lastRecords(totalsTopic);
  const newest = newestWriter(last.map(({ headers }) => decodeWriter(headers["writer"])));
  const claim = claimOf({ engine, group }, newest, takeOver, clock.now());
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
  const seen = new Map(last.map(({ topic, partition, offset }) => [`${topic}:${partition}`, offset + 1]));
  return { writer, takenOver: takeOver, seen };
}

/**
 * Says in the topic who the writer is now, before the first total of ours: the newest record of the one before, once
 * more and unchanged but for the name. Readers drop it, its `through` is not greater.
 */
async function announce(
  { log, totalsTopic }: OwnershipOptions,
  last: readonly LogRecord[],
  writer: TotalsWriter,
): Promise<void> {
  const ends = new Map(last.map((record) => [record.partition, record]));
  const producer = await log.producer();
  try {
    await producer.publish(
      [...ends.values()].map((record) => ({
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

/** Reads the totals as they come, and says when they are no longer ours. */
export class TotalsWatch {
  readonly #options: OwnershipOptions;
  readonly #writer: TotalsWriter;
  /** Next offset to look at, by `topic:partition`. */
  readonly #positions: Map<string, number>;
  #newest: TotalsWriter | null = null;
  #warned = false;

  constructor(options: OwnershipOptions, { writer, seen }: Claimed) {
    this.#options = options;
    this.#writer = writer;
    this.#positions = new Map(seen);
  }

  /** Looks until `signal` aborts. @throws LogError once somebody has taken the totals over from us */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#options.clock.sleep(LOOK_EVERY_MS, signal);
      if (!signal.aborted) await this.look(signal);
    }
  }

  /**
   * Looks once, at every record since the last look: of two that write at once, either may stand last.
   * @throws LogError when somebody has taken the totals over from us
   */
  async look(signal?: AbortSignal): Promise<void> {
    const { log, totalsTopic } = this.#options;
    const read = { topics: [totalsTopic], from: new Map(this.#positions), until: "end" } as const;
    try {
      for await (const { records } of log.read(signal === undefined ? read : { ...read, signal }))
        for (const record of records) this.#take(record);
    } catch {
      // While the log is away nobody writes, and others say that it is.
      return;
    }
    const newest = this.#newest;
    if (newest === null || newest.sinceMs <= this.#writer.sinceMs) return;
    throw new LogError(
      "VELOSTREAM_LOG_REFUSED",
      `${nameOfWriter(newest)} took the totals in ${totalsTopic} over from ${nameOfWriter(this.#writer)}, which stops here. Start this one with --take-over to have them back.`,
      { details: { engine: newest.engine, group: newest.group } },
    );
  }

  #take({ topic, partition, offset, headers }: LogRecord): void {
    this.#positions.set(`${topic}:${partition}`, offset + 1);
    const by = decodeWriter(headers["writer"]);
    if (by === null || isSameWriter(by, this.#writer)) return;
    this.#newest = newestWriter([this.#newest, by]);
    if (this.#warned || by.sinceMs > this.#writer.sinceMs) return;
    this.#warned = true;
    this.#options.logger.warn(
      "aggregate.second_writer",
      `${nameOfWriter(by)} still writes to ${topic}. Stop it: consumers that take the last record see totals go backwards.`,
    );
  }
}
