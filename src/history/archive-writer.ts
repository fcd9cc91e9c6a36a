/**
 * Writes the archive: takes records of the log, acknowledges them in the journal, turns the journal into Parquet files.
 *
 *   append ─▶ rows ─▶ journal, synced: acknowledged ──every 5 min or 20,000 rows──▶ Parquet, commit
 *               │ disk full
 *               ▼
 *            backlog (live data goes on) ──space again──▶ journal, with the gap that was left
 *
 * Killed at any point: what is in the journal but not committed is read back; positions are those of the last frame.
 */
import type { ReferenceReader } from "../domain/raw-record.ts";
import type { Archive, Clock, HealthState, Logger, LogRecord, Metrics } from "../ports.ts";
import { ArchiveFolder } from "./archive-folder.ts";
import { ArchiveHealth } from "./archive-health.ts";
import { Backlog } from "./backlog.ts";
import type { Coverage, Epoch, Span } from "./coverage.ts";
import { commitFlush } from "./flush.ts";
import { flushJournals } from "./flush-files.ts";
import { createJournal, encodeFrame, type Frame, type JournalFile, type OpenJournal } from "./journal.ts";
import { Maintenance } from "./maintenance.ts";
import type { RecordedGap } from "./manifest.ts";
import type { OpenParquet } from "./parquet-files.ts";
import { nextEpoch, observeRows, positionsOf, recover } from "./recovery.ts";
import { newRows, type RecordRows } from "./record-rows.ts";
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
  /** Who makes one file of several. @default a process of its own */
  readonly openParquet?: OpenParquet;
  /** Rows after which the journal becomes files. @default 20000 */
  readonly flushRows?: number;
  /** Rows of a sealed file that systems share. @default 1000000 */
  readonly sealedRows?: number;
  /** Rows kept whole while the disk is full. @default 100000 */
  readonly backlogRows?: number;
}

const FLUSH_ROWS = 20_000;
const FLUSH_AFTER_MS = 5 * 60_000;

/** What is in the journals and not in files. */
interface Journaled {
  stations: number;
  areas: number;
  gaps: RecordedGap[];
}

export class ArchiveWriter implements Archive {
  readonly #options: ArchiveWriterOptions;
  readonly #folder: ArchiveFolder;
  readonly #maintenance: Maintenance;
  readonly #coverage: Coverage;
  readonly #backlog: Backlog;
  readonly #health: ArchiveHealth;
  #epoch: Epoch;
  /** Of this writer, the newest last. */
  readonly #epochs: Epoch[];
  #rows: RecordRows;
  #journaled: Journaled = { stations: 0, areas: 0, gaps: [] };
  #journaledSinceMs: number | null = null;
  #journal: { readonly number: number; readonly file: JournalFile } | null = null;
  #nextJournal: number;
  /** The log is not read to its end yet. */
  #behind = false;
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
    this.#health = new ArchiveHealth({ ...options, folder: folder.path });
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
    const folder = await ArchiveFolder.open(options.folder, options.openParquet);
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
        this.#behind = behind;
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
    const { stations, areas } = this.#journaled;
    const due =
      stations + areas >= flushRows ||
      (this.#journaledSinceMs !== null && nowMs - this.#journaledSinceMs >= FLUSH_AFTER_MS);
    if (due && !this.#health.waits) await this.flush();
    if (this.#health.isWell) this.#maintenance.begin(this.#behind);
  }

  /** Turns what is acknowledged into Parquet files. Never rejects: what cannot be written stays in the journal. */
  async flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = null;
    });
    return this.#flushing;
  }

  health(): HealthState {
    return this.#health.state();
  }

  /** Everything acknowledged becomes files, days that are over are sealed (all days, of an import), the folder is free. */
  async close(): Promise<void> {
    await this.#inTurn(async () => this.#acknowledge(true));
    await this.flush();
    if (this.#health.isWell) await this.#maintenance.finish();
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
    if (!anyway && this.#health.waits) return;
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
      this.#health.failed(error);
      return;
    }
    this.#health.recovered();
    observeRows(this.#coverage, { stations, interrupted, behind: backlog.behind });
    this.#journaled.stations += stations.length;
    this.#journaled.areas += areas.length;
    this.#journaled.gaps.push(...gaps);
    this.#journaledSinceMs ??= this.#options.clock.now();
    const { metrics } = this.#options;
    metrics.count("velostream_archive_rows_total", { table: "stations" }, stations.length);
    metrics.count("velostream_archive_rows_total", { table: "areas" }, areas.length);
    backlog.clear();
  }

  async #flush(): Promise<void> {
    const { clock, metrics } = this.#options;
    const startedMs = clock.now();
    const taken = await this.#inTurn(async () => {
      if (this.#journaledSinceMs === null) return null;
      const journaled = this.#journaled;
      if (this.#journal !== null) {
        await this.#journal.file.close().catch(() => {});
        // The next one is made when it is needed; until the commit this one counts.
        this.#nextJournal = this.#journal.number + 1;
        this.#journal = null;
      }
      this.#journaled = { stations: 0, areas: 0, gaps: [] };
      this.#journaledSinceMs = null;
      return {
        ...journaled,
        journalFrom: this.#nextJournal,
        epochs: [...this.#epochs],
        positions: positionsOf(this.#epoch, Object.fromEntries(this.#rows.positions)),
        spans: this.#coverage.spans(),
        unsettled: this.#coverage.unsettled(),
      };
    });
    if (taken === null) return;
    try {
      const { stations, areas, journalFrom } = taken;
      const from = this.#folder.manifest.journalFrom;
      const number = this.#folder.takeFileNumber();
      const flushed = await flushJournals(this.#folder.path, {
        from,
        to: journalFrom,
        stations,
        areas,
        number,
      });
      await commitFlush(this.#folder, { ...taken, flushed });
      this.#health.recovered();
      metrics.observe("velostream_archive_flush_duration_seconds", {}, (clock.now() - startedMs) / 1000);
    } catch (error) {
      this.#health.failed(error);
      // They are in the journals still: the next flush begins with these.
      const { stations, areas, gaps } = this.#journaled;
      this.#journaled = {
        stations: taken.stations + stations,
        areas: taken.areas + areas,
        gaps: [...taken.gaps, ...gaps],
      };
      this.#journaledSinceMs = startedMs;
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

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
