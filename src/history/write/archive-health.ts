/**
 * Whether the archive can be written, said once when that changes, and when to try again. The journal and the files that
 * are made of it are told apart: rows can be safe in the one while the others cannot be made.
 *
 *   well ──failed──▶ failing: tried again every 5 s ──recovered──▶ well      both parts are well: the archive is
 */
import type { Clock, HealthState, Logger, Metrics } from "../../ports.ts";
import { isDiskFull, storageProblem } from "../files/storage-problem.ts";

const RETRY_AFTER_MS = 5_000;

export interface ArchiveHealthOptions {
  readonly folder: string;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** What is written: rows that are acknowledged, or the files that they become. */
export type ArchivePart = "journal" | "files";

interface Failure {
  readonly message: string;
  readonly retryAtMs: number;
  /** Whether it is for want of space. */
  readonly full: boolean;
}

export class ArchiveHealth {
  readonly #options: ArchiveHealthOptions;
  readonly #failures = new Map<ArchivePart, Failure>();

  constructor(options: ArchiveHealthOptions) {
    this.#options = options;
  }

  get isWell(): boolean {
    return this.#failures.size === 0;
  }

  /** Nothing is to be tried yet. */
  waits(part: ArchivePart): boolean {
    const failure = this.#failures.get(part);
    return failure !== undefined && this.#options.clock.now() < failure.retryAtMs;
  }

  /** Why rows wait in the log; null while they do not. */
  get waitingFor(): "disk_full" | "not_writable" | null {
    const failure = this.#failures.get("journal");
    return failure === undefined ? null : failure.full ? "disk_full" : "not_writable";
  }

  state(): HealthState {
    const [failure] = this.#failures.values();
    return { ok: failure === undefined, reason: failure?.message ?? null };
  }

  failed(part: ArchivePart, error: unknown): void {
    const { folder, clock, logger, metrics } = this.#options;
    const message = storageProblem(folder, error);
    if (this.isWell)
      logger.error(
        "archive.failing",
        `${message} Live data goes on; the archive tries again, and records wait in the log meanwhile.`,
        { code: (error as NodeJS.ErrnoException).code ?? null },
      );
    const retryAtMs = clock.now() + RETRY_AFTER_MS;
    this.#failures.set(part, { message, retryAtMs, full: isDiskFull(error) });
    metrics.set("velostream_archive_failing", {}, 1);
  }

  recovered(part: ArchivePart): void {
    if (!this.#failures.delete(part) || !this.isWell) return;
    this.#options.metrics.set("velostream_archive_failing", {}, 0);
    this.#options.logger.info("archive.recovered", "The archive is written again.");
  }
}
