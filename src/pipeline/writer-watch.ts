/**
 * Follows the raw topic for as long as this process collects, so that its collectors learn what others write.
 *
 *   add ─▶ reading from the end ─▶ record ─▶ the collector of its system       log away ─▶ wait ─▶ read on
 */
import { AppError } from "../errors.ts";
import type { Clock, Log, Logger, LogRecord } from "../ports.ts";
import { systemOfKey } from "../record/keys.ts";

/** Pause before reading on after the log went away, ms. */
const RETRY_MS = 1_000;

export interface WriterWatchOptions {
  readonly log: Log;
  readonly rawTopic: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Ends the watch. */
  readonly signal: AbortSignal;
}

type Take = (record: LogRecord) => void;

export class WriterWatch {
  readonly #options: WriterWatchOptions;
  readonly #takers = new Map<string, Set<Take>>();
  readonly #positions = new Map<string, number>();
  readonly #begun = Promise.withResolvers<void>();
  #started = false;

  constructor(options: WriterWatchOptions) {
    this.#options = options;
  }

  /** Resolves when every record of the system that is written from now on will be given to `take`. @returns stops it */
  async add(systemId: string, take: Take): Promise<() => void> {
    const takers = this.#takers.get(systemId) ?? new Set();
    this.#takers.set(systemId, takers.add(take));
    if (!this.#started) void this.#run().finally(() => this.#begun.resolve());
    this.#started = true;
    await this.#begun.promise;
    return () => {
      takers.delete(take);
      if (takers.size === 0 && this.#takers.get(systemId) === takers) this.#takers.delete(systemId);
    };
  }

  async #run(): Promise<void> {
    const { log, rawTopic, clock, logger, signal } = this.#options;
    while (!signal.aborted) {
      try {
        const from = this.#positions.size === 0 ? "latest" : this.#positions;
        for await (const { records } of log.read({ topics: [rawTopic], from, signal })) {
          this.#begun.resolve();
          for (const record of records) this.#give(record);
        }
        return;
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (!error.retryable) {
          logger.warn("collect.watch_ended", `${error.message} What others write to it is not noticed.`);
          return;
        }
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  #give(record: LogRecord): void {
    this.#positions.set(`${record.topic}:${record.partition}`, record.offset + 1);
    const takers = this.#takers.get(systemOfKey(record.key ?? ""));
    if (takers !== undefined) for (const take of takers) take(record);
  }
}
