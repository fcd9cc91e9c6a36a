/**
 * Writes the archive: takes records of the log, acknowledges them in the journal, turns the journal into Parquet files.
 *
 *   append ─▶ rows ─▶ journal, synced: acknowledged ─▶ buffer ──every 5 min or 20,000 rows──▶ Parquet, commit
 *               │ disk full
 *               ▼
 *            backlog (live data goes on) ──space again──▶ journal, with the gap that was left
 *
 * Killed at any point: what is in the journal but not committed is read back; positions are those of the last frame.
 */
import type { ReferenceReader } from "../domain/raw-record.ts";
import type { Archive, Clock, HealthState, Logger, LogRecord, Metrics } from "../ports.ts";
import { ArchiveFolder } from "./archive-folder.ts";
import { Backlog } from "./backlog.ts";
import type { Coverage, Epoch, Span } from "./coverage.ts";
import { commitRows, type Buffered } from "./flush.ts";
import { createJournal, encodeFrame, type Frame, type JournalFile, type OpenJournal } from "./journal.ts";
import { Maintenance } from "./maintenance.ts";
import { nextEpoch, observeRows, positionsOf, recover } from "./recovery.ts";
import { newRows, type RecordRows } from "./record-rows.ts";
import { storageProblem } from "./storage-problem.ts";
import { AREA_COLUMNS, STATION_COLUMNS, toCells } from "./rows.ts";

export interface ArchiveWriterOptions {
  /** The history folder (layout.ts). */
  readonly folder: string;
  readonly kind: Epoch["kind"];
  readonly topics: { readonly raw: string; readonly totals: string };
  readonly readReference: ReferenceReader;
  /** Days older than this are removed; null keeps all. */
  readonly retainMs: number | null;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** @default createJournal */
  readonly openJournal?: OpenJournal;
  /** Rows after which the buffer becomes files. @default 20000 */
  readonly flushRows?: number;
  /** Rows kept whole while the disk is full. @default 100000 */
  readonly backlogRows?: number;
}

const FLUSH_ROWS = 20_000;
const FLUSH_AFTER_MS = 5 * 60_000;
const RETRY_AFTER_MS = 15_000;

export class ArchiveWriter implements Archive {
  readonly #options: ArchiveWriterOptions;
  readonly #folder: ArchiveFolder;
  readonly #maintenance: Maintenance;
  readonly #coverage: Coverage;
  readonly #backlog: Backlog;
  #epoch: Epoch;
  /** Of this writer, the newest last. */
  readonly #epochs: Epoch[];
  #rows: RecordRows;
  #buffer: Buffered = { stations: [], areas: [], gaps: [] };
  #bufferedSinceMs: number | null = null;
  #journal: { readonly number: number; readonly file: JournalFile } | null = null;
  #nextJournal: number;
  #failure: string | null = null;
  #retryAtMs = 0;
  /** Appends and rotations, one at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #flushing: Promise<void> | null = null;

  private constructor(
    options: ArchiveWriterOptions,
    folder: ArchiveFolder,
    coverage: Coverage,
    epoch: Epoch,
    rows: RecordRows,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#coverage = coverage;
    this.#backlog = new Backlog(options.backlogRows);
    this.#epoch = epoch;
    this.#epochs = [epoch];
    this.#rows = rows;
    this.#nextJournal = folder.manifest.journalFrom;
    this.#maintenance = new Maintenance(folder, {
      ...options,
      onRetained: (fromMs) => this.#coverage.forget(fromMs),
    });
  }

  /** @throws StorageError when the folder is another process's, or cannot be used */
  static async open(options: ArchiveWriterOptions): Promise<ArchiveWriter> {
    const folder = await ArchiveFolder.open(options.folder);
    try {
      const { coverage, epoch, positions, kept } = await recover(folder, options);
      const simulated = folder.manifest.simulated ?? null;
      const rows = newRows(options, { epoch: epoch.id, positions, kept, simulated });
      return new ArchiveWriter(options, folder, coverage, epoch, rows);
    } catch (error) {
      await folder.close();
      throw error;
    }
  }

  positions(): ReadonlyMap<string, number> {
    return new Map(this.#rows.positions);
  }

  /** What was watched, as of what is acknowledged. */
  spans(): readonly Span[] {
    return this.#coverage.spans();
  }

  async append(records: readonly LogRecord[], behind = false): Promise<void> {
    return this.#inTurn(async () => {
      for (let rest = records; rest.length > 0;) {
        const taken = this.#rows.take(rest);
        this.#backlog.add(taken.stations, taken.areas, { ...taken, behind });
        rest = rest.slice(taken.taken);
        await this.#acknowledge(false);
        if (rest.length > 0) this.#beginEpoch();
      }
    });
  }

  async tend(): Promise<void> {
    const { clock, flushRows = FLUSH_ROWS } = this.#options;
    await this.#inTurn(async () => this.#acknowledge(false));
    const nowMs = clock.now();
    const { stations, areas } = this.#buffer;
    const due =
      stations.length + areas.length >= flushRows ||
      (this.#bufferedSinceMs !== null && nowMs - this.#bufferedSinceMs >= FLUSH_AFTER_MS);
    if (due && nowMs >= this.#retryAtMs) await this.flush();
    if (this.#failure === null) this.#maintenance.begin();
  }

  /** Turns what is acknowledged into Parquet files. Never rejects: what cannot be written stays in the journal. */
  async flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  health(): HealthState {
    return { ok: this.#failure === null, reason: this.#failure };
  }

  /** Everything acknowledged becomes files, days that are over are sealed (all days, of an import), the folder is free. */
  async close(): Promise<void> {
    await this.#inTurn(async () => this.#acknowledge(true));
    await this.flush();
    if (this.#failure === null) await this.#maintenance.finish();
    await this.#journal?.file.close().catch(() => {});
    this.#journal = null;
    await this.#folder.close();
  }

  /** Lets go of the folder as a crash would, for tests: nothing is flushed. */
  async abandon(): Promise<void> {
    await this.#turn;
    await this.#flushing;
    await this.#maintenance.idle();
    await this.#journal?.file.close();
    await this.#folder.close();
  }

  /** Writes what waits to the journal; while that fails it goes on waiting. */
  async #acknowledge(anyway: boolean): Promise<void> {
    if (this.#failure !== null && !anyway && this.#options.clock.now() < this.#retryAtMs) return;
    const backlog = this.#backlog;
    const gaps = backlog.gaps("disk_full");
    const positions = Object.fromEntries(this.#rows.positions);
    if (backlog.rows === 0 && backlog.interrupted === false) return;
    const { stations, areas, interrupted } = backlog;
    const frame: Frame = {
      epoch: this.#epoch,
      positions,
      stations: stations.map((row) => toCells(row, STATION_COLUMNS)),
      areas: areas.map((row) => toCells(row, AREA_COLUMNS)),
      interrupted,
      gaps,
      ...(backlog.behind ? { behind: true } : {}),
    };
    try {
      const journal = await this.#openJournal();
      await journal.append(encodeFrame(frame));
    } catch (error) {
      this.#failed(error);
      return;
    }
    this.#recovered();
    observeRows(this.#coverage, { stations, interrupted, behind: backlog.behind });
    for (const row of stations) this.#buffer.stations.push(row);
    for (const row of areas) this.#buffer.areas.push(row);
    this.#buffer.gaps.push(...gaps);
    this.#bufferedSinceMs ??= this.#options.clock.now();
    const { metrics } = this.#options;
    metrics.count("velostream_archive_rows_total", { table: "stations" }, stations.length);
    metrics.count("velostream_archive_rows_total", { table: "areas" }, areas.length);
    backlog.clear();
  }

  async #flush(): Promise<void> {
    const { clock, metrics } = this.#options;
    const startedMs = clock.now();
    const taken = await this.#inTurn(async () => {
      if (this.#bufferedSinceMs === null) return null;
      const buffered = this.#buffer;
      if (this.#journal !== null) {
        await this.#journal.file.close().catch(() => {});
        // The next one is made when it is needed; until the commit this one counts.
        this.#nextJournal = this.#journal.number + 1;
        this.#journal = null;
      }
      this.#buffer = { stations: [], areas: [], gaps: [] };
      this.#bufferedSinceMs = null;
      return {
        buffered,
        journalFrom: this.#nextJournal,
        epochs: [...this.#epochs],
        positions: positionsOf(this.#epoch, Object.fromEntries(this.#rows.positions)),
        spans: this.#coverage.spans(),
        unsettled: this.#coverage.unsettled(),
      };
    });
    if (taken === null) return;
    try {
      await commitRows(this.#folder, { ...taken.buffered, ...taken });
      this.#recovered();
      metrics.observe("velostream_archive_flush_duration_seconds", {}, (clock.now() - startedMs) / 1000);
    } catch (error) {
      this.#failed(error);
      const { stations, areas, gaps } = this.#buffer;
      this.#buffer = {
        stations: [...taken.buffered.stations, ...stations],
        areas: [...taken.buffered.areas, ...areas],
        gaps: [...taken.buffered.gaps, ...gaps],
      };
      this.#bufferedSinceMs = startedMs;
    }
  }

  async #openJournal(): Promise<JournalFile> {
    if (this.#journal === null) {
      const file = await (this.#options.openJournal ?? createJournal)(this.#folder.path, this.#nextJournal);
      this.#journal = { number: this.#nextJournal, file };
    }
    return this.#journal.file;
  }

  /** The topic was made anew: what follows is another log's life. */
  #beginEpoch(): void {
    this.#options.logger.warn(
      "archive.log_replaced",
      "The topic begins anew: the archive goes on in a new epoch.",
    );
    this.#epoch = nextEpoch([...this.#folder.manifest.epochs, this.#epoch], this.#options);
    this.#epochs.push(this.#epoch);
    this.#coverage.closeAllBut([this.#epoch.id]);
    const { simulated } = this.#rows;
    this.#rows = newRows(this.#options, { epoch: this.#epoch.id, positions: [], kept: [], simulated });
  }

  #failed(error: unknown): void {
    const { clock, logger, metrics } = this.#options;
    this.#retryAtMs = clock.now() + RETRY_AFTER_MS;
    const message = storageProblem(this.#folder.path, error);
    if (this.#failure === null)
      logger.error("archive.failing", `${message} Live data goes on; the archive tries again.`, {
        code: (error as NodeJS.ErrnoException).code ?? null,
      });
    this.#failure = message;
    metrics.set("velostream_archive_failing", {}, 1);
  }

  #recovered(): void {
    if (this.#failure === null) return;
    this.#failure = null;
    this.#options.metrics.set("velostream_archive_failing", {}, 0);
    this.#options.logger.info("archive.recovered", "The archive is written again.");
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
