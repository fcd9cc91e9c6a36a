/**
 * The background work on an archive: compaction (compaction.ts), keyframes, retention.
 *
 *   sealed ─▶ keyframe of the next day: the state of every station and area at 00:00 UTC
 *   older than --retain ─▶ removed
 */
import type { Clock, Logger, Metrics } from "../../ports.ts";
import type { ArchiveFolder } from "./archive-folder.ts";
import { Compaction } from "./compaction.ts";
import { spansFrom, unsettledFrom, type Epoch } from "../time/spans.ts";
import { KeyframeMaker } from "./keyframe-maker.ts";
import { lastSeenMs, lastSeenMsOf } from "../files/keyframes.ts";
import { DAY_MS, dayOf, dayStartMs } from "../files/layout.ts";
import { lotsOf, type Lot } from "./mergeable-days.ts";
import type { DataFile } from "../files/manifest.ts";

/** Records of a day may come this much after its end. */
const LATE_MS = 3_600_000;
const EVERY_MS = 60_000;
/** At its end a live pipeline does not wait longer for work that the next start can do. */
const FINISH_WITHIN_MS = 5_000;

export interface MaintenanceOptions {
  readonly kind: Epoch["kind"];
  readonly retainMs: number | null;
  /** What is older is gone. */
  readonly onRetained: (fromMs: number) => void;
  readonly sealedRows?: number;
  readonly clock: Pick<Clock, "now" | "sleep">;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class Maintenance {
  readonly #folder: ArchiveFolder;
  readonly #options: MaintenanceOptions;
  readonly #compaction: Compaction;
  readonly #keyframes: KeyframeMaker;
  #dueAtMs = 0;
  #stopAtMs = Infinity;
  /** The log is not read to its end yet: earlier records of other partitions follow. */
  #behind = false;
  #running: Promise<void> | null = null;
  #warned = false;

  constructor(folder: ArchiveFolder, options: MaintenanceOptions) {
    this.#folder = folder;
    this.#options = options;
    this.#compaction = new Compaction({ ...options, folder, isStopped: () => this.#isStopped() });
    this.#keyframes = new KeyframeMaker(folder);
  }

  /** Begins what is due, in the background. Never rejects: what fails is tried again. */
  begin(behind: boolean): void {
    this.#behind = behind;
    if (this.#running !== null || this.#options.clock.now() < this.#dueAtMs) return;
    this.#running = this.#all(false).finally(() => {
      this.#running = null;
      this.#dueAtMs = this.#options.clock.now() + EVERY_MS;
    });
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  /** Waits for what is under way and does what is due; at the end of an import every day is over. */
  async finish(): Promise<void> {
    const { kind, clock } = this.#options;
    if (kind !== "import") {
      this.#stopAtMs = clock.now() + FINISH_WITHIN_MS;
      await this.#giveUpLater();
    }
    await this.#running;
    await this.#all(kind === "import");
  }

  /** Waits for what is under way, a while; sealing the day of a busy system can take a minute. */
  async #giveUpLater(): Promise<void> {
    if (this.#running === null) return;
    const ended = new AbortController();
    void this.#running.then(() => ended.abort());
    await this.#options.clock.sleep(FINISH_WITHIN_MS, ended.signal).catch(() => {});
    if (!ended.signal.aborted) await this.#folder.parquet.close();
  }

  #isStopped(): boolean {
    return this.#options.clock.now() >= this.#stopAtMs;
  }

  async #all(everyDayIsOver: boolean): Promise<void> {
    const { clock, logger, metrics } = this.#options;
    try {
      await this.#retain();
      for (const days of Map.groupBy(lotsOf(this.#folder.manifest), ({ day }) => day).values()) {
        const over = days.filter((lot) => everyDayIsOver || this.#isOver(lot));
        for (const lot of days) {
          if (this.#isStopped()) return;
          await this.#compaction.compact(lot, over.includes(lot));
        }
        for (const lot of over) {
          if (this.#isStopped()) return;
          await this.#keyframes.make(lot);
        }
      }
      const { files } = this.#folder.manifest;
      metrics.set("velostream_archive_files", {}, files.length);
      metrics.set(
        "velostream_archive_size_bytes",
        {},
        files.reduce((sum, { bytes }) => sum + bytes, 0),
      );
      metrics.set("velostream_archive_maintained_timestamp_seconds", {}, clock.now() / 1000);
      this.#warned = false;
    } catch (error) {
      const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
      if (!this.#warned && !this.#isStopped())
        logger.warn("archive.maintenance_failed", `Compaction waits (${message}). It is tried again.`);
      this.#warned = true;
    }
  }

  /** A day is over when records have come from well after it; an import's days are, that a live log has left. */
  #isOver({ system, day }: Lot): boolean {
    const { kind, clock } = this.#options;
    const { manifest } = this.#folder;
    const { epochs } = manifest;
    const endMs = dayStartMs(day) + DAY_MS;
    // Sorted again for every partition that is still to be read, a day of many systems would never be done.
    if (system === null && this.#behind) return false;
    const read = new Set(epochs.filter((epoch) => epoch.kind === kind).map(({ id }) => id));
    if (kind === "import") for (const { id } of epochs.slice(0, -1)) read.delete(id);
    const seen = system === null ? lastSeenMs(manifest) : lastSeenMsOf(manifest, system);
    const times = [...seen].filter(([epoch]) => read.has(epoch)).map(([, toMs]) => toMs);
    // A clock that was ahead once must not seal today again and again.
    const knownMs = kind === "import" ? Infinity : clock.now();
    if (Math.min(Math.max(...times), knownMs) >= endMs + LATE_MS) return true;
    return kind !== "import" && clock.now() >= endMs + DAY_MS;
  }

  async #retain(): Promise<void> {
    const { retainMs, clock, logger, onRetained } = this.#options;
    if (retainMs === null) return;
    const fromDay = dayOf(clock.now() - retainMs);
    const isOld = ({ day }: DataFile): boolean => day < fromDay;
    const old = this.#folder.manifest.files.filter(isOld);
    if (old.length === 0) return;
    const fromMs = dayStartMs(fromDay);
    onRetained(fromMs);
    await this.#folder.commit((manifest) => ({
      files: manifest.files.filter((file) => !isOld(file)),
      spans: spansFrom(manifest.spans, fromMs),
      unsettled: unsettledFrom(manifest.unsettled ?? [], fromMs).map((one) => ({
        ...one,
        timesMs: [...one.timesMs],
        missing: [...one.missing],
        lanes: (one.lanes ?? []).map(([lane, lastMs]) => [lane, lastMs]),
      })),
      gaps: manifest.gaps.filter(({ toMs }) => toMs >= fromMs),
    }));
    logger.info("archive.retained", `Removed ${old.length} files older than ${fromDay}.`);
  }
}
