/**
 * The background work on an archive: few files instead of many, keyframes, retention.
 *
 *   open day:  12 small files ─▶ one                    a day that is over: ─▶ one sealed file a table, sorted whole
 *   sealed ─▶ keyframe of the next day: the state of every station and area at 00:00 UTC
 *   older than --retain ─▶ removed
 */
import type { Clock, Logger, Metrics } from "../ports.ts";
import { filesOf, type ArchiveFolder } from "./archive-folder.ts";
import { spansFrom, unsettledFrom, type Epoch } from "./coverage.ts";
import { covers, epochsAlive, stateSources } from "./keyframes.ts";
import { DAY_MS, dataPath, dayOf, dayStartMs, KEYFRAMES_OF, nextDay } from "./layout.ts";
import type { DataFile, Manifest } from "./manifest.ts";

const MERGE_FROM_FILES = 12;
/** Records of a day may come this much after its end. */
const LATE_MS = 3_600_000;
const EVERY_MS = 60_000;
const PLAIN_TABLES = ["stations", "areas"] as const;
type PlainTable = (typeof PLAIN_TABLES)[number];

export interface MaintenanceOptions {
  readonly kind: Epoch["kind"];
  readonly retainMs: number | null;
  /** What is older is gone. */
  readonly onRetained: (fromMs: number) => void;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

interface KeyframeSources {
  readonly table: PlainTable;
  /** The day whose end it is. */
  readonly day: string;
  readonly sources: readonly DataFile[];
  /** The one it replaces. */
  readonly held: DataFile | undefined;
}

export class Maintenance {
  readonly #folder: ArchiveFolder;
  readonly #options: MaintenanceOptions;
  #dueAtMs = 0;
  #running: Promise<void> | null = null;
  #warned = false;

  constructor(folder: ArchiveFolder, options: MaintenanceOptions) {
    this.#folder = folder;
    this.#options = options;
  }

  /** Begins what is due, in the background. Never rejects: what fails is tried again. */
  begin(): void {
    if (this.#running !== null || this.#options.clock.now() < this.#dueAtMs) return;
    this.#running = this.#all(false).finally(() => {
      this.#running = null;
      this.#dueAtMs = this.#options.clock.now() + EVERY_MS;
    });
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  /** Waits for what is under way; at the end of an import every day is over. */
  async finish(): Promise<void> {
    await this.#running;
    await this.#all(this.#options.kind === "import");
  }

  async #all(everyDayIsOver: boolean): Promise<void> {
    const { clock, logger, metrics } = this.#options;
    try {
      await this.#retain();
      for (const { system, day } of daysOf(this.#folder.manifest)) {
        const over = everyDayIsOver || this.#isOver(system, day);
        for (const table of PLAIN_TABLES) await this.#compact(table, system, day, over);
        if (over) for (const table of PLAIN_TABLES) await this.#keyframe(table, system, day);
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
      if (!this.#warned)
        logger.warn("archive.maintenance_failed", `Compaction waits (${message}). It is tried again.`);
      this.#warned = true;
    }
  }

  /** A day is over when records have come from well after it; an import's days are, that a live log has left. */
  #isOver(system: string, day: string): boolean {
    const { kind, clock } = this.#options;
    const endMs = dayStartMs(day) + DAY_MS;
    const { spans, epochs } = this.#folder.manifest;
    const read = new Set(epochs.filter((epoch) => epoch.kind === kind).map(({ id }) => id));
    if (kind === "import") for (const { id } of epochs.slice(0, -1)) read.delete(id);
    const times = spans
      .filter((span) => span.system === system && read.has(span.epoch))
      .map(({ toMs }) => toMs);
    // A clock that was ahead once must not seal today again and again.
    const knownMs = kind === "import" ? Infinity : clock.now();
    if (Math.min(Math.max(...times), knownMs) >= endMs + LATE_MS) return true;
    return kind !== "import" && clock.now() >= endMs + DAY_MS;
  }

  async #compact(table: PlainTable, system: string, day: string, over: boolean): Promise<void> {
    const sources = filesOf(this.#folder.manifest.files, table, system, day);
    const few = over
      ? sources.length === 0 || (sources.length === 1 && sources[0]?.sealed === true)
      : sources.length < MERGE_FROM_FILES;
    if (few) return;
    const path = dataPath(table, system, day, this.#folder.takeFileNumber());
    const bytes = await this.#folder.parquet.merge(
      table,
      sources.map((file) => file.path),
      path,
      over,
    );
    const rows = sources.reduce((sum, file) => sum + file.rows, 0);
    try {
      const written = await this.#folder.parquet.count(path);
      if (written !== rows) throw new Error(`${path} has ${written} rows instead of ${rows}`);
      const merged: DataFile = { path, table, system, day, rows, bytes, sealed: over };
      const gone = new Set(sources.map((file) => file.path));
      await this.#folder.commit(({ files }) => ({
        files: [...files.filter((file) => !gone.has(file.path)), merged],
      }));
    } catch (error) {
      await this.#folder.discard([path]);
      throw error;
    }
    this.#options.metrics.count("velostream_archive_compactions_total", {});
  }

  /** The state at the end of `day`, as the keyframe of the next one. */
  async #keyframe(table: PlainTable, system: string, day: string): Promise<void> {
    const { manifest } = this.#folder;
    const keyframes = KEYFRAMES_OF[table];
    const keyframeDay = nextDay(day);
    const epochs = epochsAlive(manifest, system, keyframeDay);
    const [held] = filesOf(manifest.files, keyframes, system, keyframeDay);
    if (held !== undefined && covers(held, epochs)) return;
    const sources = stateSources(manifest, table, system, keyframeDay);
    if (sources.length === 0) return;
    const path = dataPath(keyframes, system, keyframeDay, this.#folder.takeFileNumber());
    const bytes = await this.#folder.parquet.keyframe(
      table,
      sources.map((file) => file.path),
      epochs,
      path,
    );
    const file: Omit<DataFile, "rows"> = {
      path,
      table: keyframes,
      system,
      day: keyframeDay,
      bytes,
      sealed: true,
      epochs: [...epochs],
    };
    try {
      const rows = await this.#folder.parquet.count(path);
      await this.#commitKeyframe(manifest, { ...file, rows }, { table, day, sources, held });
    } finally {
      // Nothing to discard where it was committed.
      await this.#folder.discard([path]);
    }
  }

  async #commitKeyframe(
    manifest: Manifest,
    file: DataFile,
    { table, day, sources, held }: KeyframeSources,
  ): Promise<void> {
    const { system } = file;
    await this.#folder.commit(({ files }) => {
      // Late rows of a day before came while this was made: it does not hold, and is made again.
      const same = sources.every(({ path: source }) => files.some((other) => other.path === source));
      const later = files.filter(
        (other) => other.table === table && other.system === system && other.day <= day,
      );
      const known = manifest.files.filter(
        (other) => other.table === table && other.system === system && other.day <= day,
      );
      if (!same || later.length !== known.length) return {};
      return { files: [...files.filter((other) => other.path !== held?.path), file] };
    });
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
      })),
      gaps: manifest.gaps.filter(({ toMs }) => toMs >= fromMs),
    }));
    logger.info("archive.retained", `Removed ${old.length} files older than ${fromDay}.`);
  }
}

/** Systems and days with rows, the oldest day first. */
function daysOf({ files }: Manifest): readonly { readonly system: string; readonly day: string }[] {
  const days = new Map<string, { system: string; day: string }>();
  for (const { table, system, day } of files)
    if (table === "stations" || table === "areas") days.set(`${day}\n${system}`, { system, day });
  return [...days.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value);
}
