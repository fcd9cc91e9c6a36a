/**
 * Writes the archive: takes records of the log, acknowledges them in the journal, turns the journal into Parquet files.
 *
 *   append ─▶ rows ─▶ journal, synced: acknowledged ──every 5 min or 20,000 rows──▶ Parquet, commit
 *               │ disk full
 *               ▼
 *            not taken: they wait in the log, and are given again
 *
 * Killed at any point: what is in the journal but not committed is read back; positions are those of the last frame.
 */
import type { Archive, ArchiveRead } from "../../archive-ports.ts";
import type { HealthState, LogRecord, MissingRecords } from "../../ports.ts";
import { ArchiveFolder } from "./archive-folder.ts";
import { ArchiveHealth } from "./archive-health.ts";
import type { Coverage } from "../time/coverage.ts";
import type { Epoch, Span } from "../time/spans.ts";
import { commitFlush } from "./flush.ts";
import { flushJournals } from "./flush-files.ts";
import type { ArchiveWriterOptions } from "./archive-writer-options.ts";
import { createJournal } from "../files/journal.ts";
import type { Frame } from "../files/journal-frame.ts";
import { frameLength } from "./frame-length.ts";
import { JournalWriter } from "./journal-writer.ts";
import { Journaled } from "./backlog.ts";
import { Losses } from "./losses.ts";
import { Maintenance } from "./maintenance.ts";
import type { GapReason } from "../files/manifest.ts";
import { observeRows } from "../files/observe-rows.ts";
import { notWritable } from "../files/storage-problem.ts";
import { positionsOf, recover } from "./recovery.ts";
import { WrittenEpochs } from "./written-epochs.ts";
import { newRows, skipTeller, type RecordRows, type TakenRecords } from "./record-rows.ts";
import { AREA_COLUMNS, STATION_COLUMNS, toCells } from "../files/rows.ts";

const FLUSH_ROWS = 20_000;
const FLUSH_AFTER_MS = 5 * 60_000;
/** Records of one frame: what an acknowledgement takes of memory. */
const FRAME_RECORDS = 5_000;
/** Rows in the journal beyond which a catch-up waits for files, times those that make a flush due. */
const MOST_JOURNALED = 5;

export class ArchiveWriter implements Archive {
  readonly #options: ArchiveWriterOptions;
  readonly #folder: ArchiveFolder;
  readonly #maintenance: Maintenance;
  readonly #coverage: Coverage;
  readonly #health: ArchiveHealth;
  readonly #losses: Losses;
  readonly #tellSkipped: (reasons: readonly string[]) => void;
  readonly #epochs: WrittenEpochs;
  #rows: RecordRows;
  readonly #journaled = new Journaled();
  readonly #journals: JournalWriter;
  /** The log is not read to its end yet. */
  #behind = false;
  /** Why records waited in the log, until all that waited is read: what is missing then was lost for this. */
  #waited: GapReason | null = null;
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
    const { clock, logger, metrics } = options;
    this.#health = new ArchiveHealth({ ...options, folder: folder.path });
    this.#losses = new Losses(clock, logger, metrics);
    this.#tellSkipped = skipTeller({ ...options, folder: folder.path });
    this.#epochs = new WrittenEpochs(epoch);
    this.#rows = rows;
    const { openJournal = createJournal } = options;
    this.#journals = new JournalWriter(folder.path, folder.manifest.journalFrom, openJournal);
    this.#maintenance = new Maintenance(folder, {
      ...options,
      onRetained: (fromMs) => this.#coverage.forget(fromMs),
    });
  }

  /** @throws StorageError when the folder is another process's, or cannot be used */
  static async open(options: ArchiveWriterOptions): Promise<ArchiveWriter> {
    const folder = await ArchiveFolder.open(options.folder, options.openParquet).catch((error: unknown) => {
      throw notWritable(options.folder, error);
    });
    try {
      const { coverage, epoch, positions, kept, lost } = await recover(folder, options);
      const simulated = folder.manifest.simulated ?? null;
      const rows = newRows(options, { epoch: epoch.id, positions, kept, simulated });
      const writer = new ArchiveWriter(options, folder, coverage, epoch, rows);
      writer.#losses.add(lost);
      return writer;
    } catch (error) {
      await folder.close();
      throw notWritable(options.folder, error);
    }
  }

  positions(): ReadonlyMap<string, number> {
    return new Map(this.#rows.positions);
  }

  topicIds(): ReadonlyMap<string, string> {
    return this.#epochs.topicIds();
  }

  async beginAnew(): Promise<void> {
    await this.#inTurn(async () => this.#beginEpoch());
  }

  spans(): readonly Span[] {
    return this.#coverage.spans();
  }

  async append(records: readonly LogRecord[], { behind = false, missing = [], topicIds }: ArchiveRead = {}) {
    const { flushRows = FLUSH_ROWS } = this.#options;
    if (topicIds !== undefined) this.#epochs.readsTopics(topicIds);
    let taken = 0;
    while (taken < records.length) {
      // A catch-up is faster than files are made: rows in the journal are read back whole.
      if (this.#journaled.count >= MOST_JOURNALED * flushRows && !this.#health.waits("files"))
        await this.flush();
      const rest = taken === 0 ? records : records.slice(taken);
      const acknowledged = await this.#inTurn(async () => this.#take(rest, behind, missing));
      taken += acknowledged;
      if (acknowledged === 0) break;
    }
    if (taken === records.length && !behind) this.#isReadUp();
    return taken;
  }

  async tend(): Promise<void> {
    const { clock, flushRows = FLUSH_ROWS } = this.#options;
    const { count, sinceMs } = this.#journaled;
    const due = count >= flushRows || (sinceMs !== null && clock.now() - sinceMs >= FLUSH_AFTER_MS);
    if (due && !this.#health.waits("files")) await this.flush();
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
    const state = this.#health.state();
    const lost = this.#losses.recent;
    return !state.ok || lost === null ? state : { ok: !this.#behind, reason: lost };
  }

  /** Everything acknowledged becomes files, days that are over are sealed (all days, of an import), the folder is free. */
  async close(): Promise<void> {
    await this.#turn;
    await this.flush();
    if (this.#health.isWell) await this.#maintenance.finish();
    await this.#journals.close();
    await this.#folder.close();
  }

  /** Lets go of the folder as a crash would, for tests: nothing is flushed. */
  async abandon(): Promise<void> {
    await this.#turn;
    await this.#flushing;
    await this.#maintenance.idle();
    await this.#journals.close();
    await this.#folder.close();
  }

  /** @returns how many records were acknowledged; none while the disk is full */
  async #take(
    records: readonly LogRecord[],
    behind: boolean,
    missing: readonly MissingRecords[],
  ): Promise<number> {
    if (this.#health.waits("journal")) return 0;
    const some = records.slice(0, frameLength(records, missing, FRAME_RECORDS));
    const taken = this.#rows.take(some, missing);
    if (taken.taken > 0 && !(await this.#acknowledge(taken, behind))) {
      taken.undo();
      return 0;
    }
    this.#tellSkipped(taken.skipped);
    this.#behind = behind;
    if (taken.taken < some.length) {
      this.#beginEpoch();
      if (taken.taken === 0) return this.#take(records, behind, missing);
    }
    return taken.taken;
  }

  /** Writes rows to the journal. @returns whether they will survive a crash */
  async #acknowledge(taken: TakenRecords, behind: boolean): Promise<boolean> {
    const { stations, areas } = taken;
    if (stations.length + areas.length === 0) return true;
    const missing = taken.missing.map((hole) => ({ ...hole, reason: this.#waited ?? hole.reason }));
    const frame: Frame = {
      epoch: this.#epochs.current,
      positions: Object.fromEntries(this.#rows.positions),
      stations: stations.map((row) => toCells(row, STATION_COLUMNS)),
      areas: areas.map((row) => toCells(row, AREA_COLUMNS)),
      missing,
      interrupted: false,
      gaps: [],
      ...(behind ? { behind: true } : {}),
    };
    try {
      await this.#journals.append(frame);
    } catch (error) {
      this.#health.failed("journal", error);
      this.#waited = this.#health.waitingFor;
      return false;
    }
    this.#health.recovered("journal");
    const gaps = observeRows(this.#coverage, {
      epoch: this.#epochs.current,
      stations,
      areas,
      missing,
      interrupted: false,
      behind,
    });
    this.#losses.add(gaps);
    const rows = { stations: stations.length, areas: areas.length, gaps };
    this.#journaled.add(rows, this.#options.clock.now());
    for (const table of ["stations", "areas"] as const)
      this.#options.metrics.count("velostream_archive_rows_total", { table }, taken[table].length);
    return true;
  }

  /** All that waited in the log is read. */
  #isReadUp(): void {
    this.#behind = false;
    this.#waited = null;
    this.#losses.caughtUp();
  }

  /** What is to become files, with what is known now; null when there is nothing. */
  async #takeJournaled() {
    if (this.#journaled.count === 0) return null;
    // Until the commit the one that is closed counts.
    const journalFrom = await this.#journals.rotate();
    return {
      ...this.#journaled.take(),
      journalFrom,
      epochs: this.#epochs.all,
      positions: positionsOf(this.#epochs.current, Object.fromEntries(this.#rows.positions)),
      spans: this.#coverage.spans(),
      unsettled: this.#coverage.unsettled(),
    };
  }

  async #flush(): Promise<void> {
    const { clock, metrics } = this.#options;
    const startedMs = clock.now();
    const taken = await this.#inTurn(async () => this.#takeJournaled()).catch((error: unknown) => {
      this.#health.failed("files", error);
      return null;
    });
    if (taken === null) return;
    try {
      const { stations, areas, journalFrom } = taken;
      const from = this.#folder.manifest.journalFrom;
      const number = this.#folder.takeFileNumber();
      const span = { from, to: journalFrom, stations, areas, number };
      const flushed = await flushJournals(this.#folder.path, span);
      await commitFlush(this.#folder, { ...taken, flushed });
      this.#health.recovered("files");
      metrics.observe("velostream_archive_flush_duration_seconds", {}, (clock.now() - startedMs) / 1000);
    } catch (error) {
      this.#health.failed("files", error);
      // They are in the journals still: the next flush begins with these.
      this.#journaled.add(taken, startedMs);
    }
  }

  /** The topic was made anew: what follows is another log's life. */
  #beginEpoch(): void {
    const { id } = this.#epochs.begin(this.#folder.manifest.epochs, this.#options);
    this.#coverage.closeAllBut([id]);
    const { simulated } = this.#rows;
    this.#rows = newRows(this.#options, { epoch: id, positions: [], kept: [], simulated });
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }
}
