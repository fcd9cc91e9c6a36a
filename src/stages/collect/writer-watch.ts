/**
 * Follows the raw topic for as long as this process collects, so that its collectors learn what others write.
 *
 *   add ─▶ reading from the end ─▶ record ─▶ the collector of its system       log away ─▶ wait ─▶ read on
 *                                  the topic was made again ─▶ all collectors: nothing of theirs is in it
 */
import { AppError } from "../../errors.ts";
import type { Clock, Log, Logger, LogRecord, TopicNames } from "../../ports.ts";
import { systemOfKey } from "../../record/keys.ts";
import { follow, type FollowedSink } from "../follow.ts";

export interface WriterWatchOptions {
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

export interface RawTaker {
  /** A record of the system. */
  take(record: LogRecord): void;
  /** The topic was made again: what follows is all that it holds. */
  replaced(): void;
}

export class WriterWatch {
  readonly #options: WriterWatchOptions;
  readonly #takers = new Map<string, Set<RawTaker>>();
  readonly #positions = new Map<string, number>();
  readonly #begun = Promise.withResolvers<void>();
  #started = false;

  constructor(options: WriterWatchOptions) {
    this.#options = options;
  }

  /** Resolves when every record of the system that is written from now on will be given to `taker`. @returns stops it */
  async add(systemId: string, taker: RawTaker): Promise<() => void> {
    const takers = this.#takers.get(systemId) ?? new Set();
    this.#takers.set(systemId, takers.add(taker));
    if (!this.#started) void this.#run().finally(() => this.#begun.resolve());
    this.#started = true;
    await this.#begun.promise;
    return () => {
      takers.delete(taker);
      if (takers.size === 0 && this.#takers.get(systemId) === takers) this.#takers.delete(systemId);
    };
  }

  async #run(): Promise<void> {
    const { log, topics, clock, logger, signal } = this.#options;
    try {
      await follow({ sink: this.#sink(), log, topics, clock, logger }, signal);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      logger.warn("collect.watch_ended", `${error.message} What others write to it is not noticed.`);
    }
  }

  #sink(): FollowedSink {
    return {
      name: "collect",
      reads: ["raw"],
      begins: "latest",
      positions: () => this.#positions,
      take: ({ records, replaced = [] }) => {
        if (replaced.length > 0) this.#replaced();
        this.#begun.resolve();
        for (const record of records) this.#give(record);
        return records.length;
      },
      tend: () => Promise.resolve(),
    };
  }

  #give(record: LogRecord): void {
    this.#positions.set(`${record.topic}:${record.partition}`, record.offset + 1);
    const takers = this.#takers.get(systemOfKey(record.key ?? ""));
    if (takers !== undefined) for (const taker of takers) taker.take(record);
  }

  #replaced(): void {
    this.#positions.clear();
    for (const takers of this.#takers.values()) for (const taker of takers) taker.replaced();
  }
}
