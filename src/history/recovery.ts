/** What a writer begins with: the manifest, and the journals that were not committed when the last writer ended. */
import { totalsKey, type Kept } from "../domain/totals-record.ts";
import type { Logger } from "../ports.ts";
import type { ArchiveFolder } from "./archive-folder.ts";
import { Coverage, type Epoch } from "./coverage.ts";
import { commitFlush } from "./flush.ts";
import { flushJournals } from "./flush-files.ts";
import { listJournals, readJournal, type Frame } from "./journal.ts";
import type { DataFile } from "./manifest.ts";
import { fromCells, STATION_COLUMNS, type StationRow } from "./rows.ts";

export interface EpochOptions {
  readonly kind: Epoch["kind"];
  readonly topics: { readonly raw: string; readonly totals: string };
  readonly clock: { now(): number };
}

export interface Recovered {
  readonly coverage: Coverage;
  readonly epoch: Epoch;
  /** Next offset by `topic:partition`; empty in a new epoch. */
  readonly positions: ReadonlyMap<string, number>;
  readonly kept: ReadonlyMap<string, Kept>;
}

/** What coverage learns of one frame. */
export interface FrameCoverage {
  readonly stations: readonly Pick<StationRow, "system" | "epoch" | "partition" | "observedAtMs">[];
  readonly interrupted: Frame["interrupted"];
  readonly behind?: boolean | undefined;
}

/** Tells coverage of the rows of one frame. Where records are missing, only the newest tells when watching went on. */
export function observeRows(coverage: Coverage, { stations, interrupted, behind }: FrameCoverage): void {
  const lanes = Map.groupBy(stations, ({ epoch, system, partition }) => `${epoch}\n${partition}\n${system}`);
  const observed: { readonly row: FrameCoverage["stations"][number]; readonly times: Iterable<number> }[] =
    [];
  for (const rows of lanes.values()) {
    const [row] = rows;
    if (row === undefined) continue;
    const times = new Set(rows.map(({ observedAtMs }) => observedAtMs));
    const missing = interrupted === true || (interrupted !== false && interrupted.includes(row.partition));
    const newestMs = [...times].reduce((a, b) => Math.max(a, b));
    if (missing) coverage.miss(row.system, row.epoch, row.partition, newestMs);
    observed.push({ row, times: missing ? [newestMs] : times });
  }
  for (const { row, times } of observed)
    for (const atMs of times) coverage.observe(row.system, row.epoch, atMs, row.partition);
  if (behind !== true) coverage.settle();
}

/** Commits what the last writer left in its journals, and says where to go on. */
export async function recover(
  folder: ArchiveFolder,
  options: EpochOptions & { readonly logger: Pick<Logger, "warn"> },
): Promise<Recovered> {
  const frames: Frame[] = [];
  let journalFrom = folder.manifest.journalFrom;
  for (const number of await listJournals(folder.path)) {
    const read = await readJournal(folder.path, number);
    for (const frame of read?.frames ?? []) frames.push(frame);
    if (read !== null && read.damagedBytes > 0)
      options.logger.warn(
        "archive.journal_cut",
        `The last ${read.damagedBytes} bytes of journal ${number} in ${folder.path} are cut off or damaged and were left out: what a kill interrupts was never acknowledged. If nothing was killed, check the disk.`,
        { journal: number, bytes: read.damagedBytes },
      );
    journalFrom = Math.max(journalFrom, number + 1);
  }
  const { spans, unsettled } = folder.manifest;
  const coverage = new Coverage(spans, unsettled);
  for (const frame of frames)
    observeRows(coverage, {
      ...frame,
      stations: frame.stations.map((cells) => fromCells(cells, STATION_COLUMNS)),
    });
  const last = frames.at(-1);
  if (last !== undefined) {
    const flushed = await flushJournals(folder.path, {
      from: folder.manifest.journalFrom,
      to: journalFrom,
      stations: frames.reduce((sum, { stations }) => sum + stations.length, 0),
      areas: frames.reduce((sum, { areas }) => sum + areas.length, 0),
      number: folder.takeFileNumber(),
    });
    await commitFlush(folder, {
      flushed,
      gaps: frames.flatMap(({ gaps }) => gaps),
      epochs: frames.map(({ epoch }) => epoch),
      positions: positionsOf(last.epoch, last.positions),
      spans: coverage.spans(),
      unsettled: coverage.unsettled(),
      journalFrom,
    });
  } else if (journalFrom > folder.manifest.journalFrom) await folder.commit(() => ({ journalFrom }));
  // Imports and runs without Kafka may have come in between.
  const before = folder.manifest.epochs.findLast((epoch) => epoch.kind === "kafka");
  if (before !== undefined && continues(before, options)) {
    coverage.closeAllBut([before.id]);
    return {
      coverage,
      epoch: before,
      positions: new Map(Object.entries(folder.manifest.positions)),
      kept: await keptAreas(folder, before.id),
    };
  }
  const epoch = nextEpoch(folder.manifest.epochs, options);
  coverage.closeAllBut(before === undefined ? [] : [before.id]);
  return { coverage, epoch, positions: new Map(), kept: new Map() };
}

/** What the manifest is to hold: the positions of a log that outlives the process. */
export function positionsOf(
  epoch: Epoch,
  positions: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> | null {
  return epoch.kind === "kafka" ? positions : null;
}

export function nextEpoch(epochs: readonly Epoch[], { kind, topics, clock }: EpochOptions): Epoch {
  const id = Math.max(0, ...epochs.map((epoch) => epoch.id)) + 1;
  return { id, kind, topics: [topics.raw, topics.totals], openedAtMs: clock.now() };
}

/** Only a log on Kafka outlives the process. */
function continues(epoch: Epoch, { kind, topics }: EpochOptions): boolean {
  return (
    kind === "kafka" &&
    epoch.kind === "kafka" &&
    epoch.topics[0] === topics.raw &&
    epoch.topics[1] === topics.totals
  );
}

/** What is archived of each area: so that totals written twice are one row after a restart too. */
async function keptAreas(folder: ArchiveFolder, epoch: number): Promise<ReadonlyMap<string, Kept>> {
  const files = folder.manifest.files.filter(({ table }) => table === "areas");
  const kept = new Map<string, Kept>();
  for (const row of await folder.parquet.lastTotals(recent(files), epoch)) {
    const through =
      row.throughPartition === null || row.throughOffset === null
        ? null
        : { partition: row.throughPartition, offset: row.throughOffset };
    kept.set(totalsKey(row.system, row.area), { through, asOfMs: row.asOfMs });
  }
  return kept;
}

/** The last two days of each system, as far as files tell systems apart: whatever comes again is of the last batches. */
function recent(files: readonly DataFile[]): readonly DataFile[] {
  return [...Map.groupBy(files, ({ system }) => system).values()].flatMap((own) => {
    const days = [...new Set(own.map(({ day }) => day))].sort();
    return own.filter(({ day }) => day >= (days.at(-2) ?? days.at(-1) ?? ""));
  });
}
