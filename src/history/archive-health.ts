/**
 * Whether the archive can be written, said once when that changes, and when to try again.
 *
 *   well ──failed──▶ failing: tried again every 15 s ──recovered──▶ well
 */
import type { Clock, HealthState, Logger, Metrics } from "../ports.ts";
import { storageProblem } from "./storage-problem.ts";

const RETRY_AFTER_MS = 15_000;

export interface ArchiveHealthOptions {
  readonly folder: string;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class ArchiveHealth {
  readonly #options: ArchiveHealthOptions;
  #failure: string | null = null;
  #retryAtMs = 0;

  constructor(options: ArchiveHealthOptions) {
    this.#options = options;
  }

  get isWell(): boolean {
    return this.#failure === null;
  }

  /** Nothing is to be tried yet. */
  get waits(): boolean {
    return this.#failure !== null && this.#options.clock.now() < this.#retryAtMs;
  }

  state(): HealthState {
    return { ok: this.#failure === null, reason: this.#failure };
  }

  failed(error: unknown): void {
    const { folder, clock, logger, metrics } = this.#options;
    this.#retryAtMs = clock.now() + RETRY_AFTER_MS;
    const message = storageProblem(folder, error);
    if (this.#failure === null)
      logger.error("archive.failing", `${message} Live data goes on; the archive tries again.`, {
        code: (error as NodeJS.ErrnoException).code ?? null,
      });
    this.#failure = message;
    metrics.set("velostream_archive_failing", {}, 1);
  }

  recovered(): void {
    if (this.#failure === null) return;
    this.#failure = null;
    this.#options.metrics.set("velostream_archive_failing", {}, 0);
    this.#options.logger.info("archive.recovered", "The archive is written again.");
  }
}
