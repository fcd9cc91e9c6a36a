/** What a writer begins with: the manifest, and the journals that were not committed when the last writer ended. */
import { type Kept } from "../../record/totals-record.ts";
import type { Logger } from "../../ports.ts";
import type { ArchiveFolder } from "./archive-folder.ts";
import { Coverage } from "../time/coverage.ts";
import type { Epoch } from "../time/spans.ts";
import { commitFlush } from "./flush.ts";
import { flushJournals } from "./flush-files.ts";
import { listJournals, readJournal } from "../files/journal.ts";
import type { Frame } from "../files/journal-frame.ts";
import type { DataFile, GapReason, RecordedGap } from "../files/manifest.ts";
import { observeRows } from "../files/observe-rows.ts";
import { AREA_COLUMNS, fromCells, STATION_COLUMNS, type AreaRow, type StationRow } from "../files/rows.ts";
import { areaKey } from "../../record/keys.ts";

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
  /** Gaps that a damaged journal made. */
  readonly lost: readonly RecordedGap[];
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
  const gaps: RecordedGap[] = [];
  const lost: RecordedGap[] = [];
  let before: Frame | undefined;
  for (const frame of frames) {
    const stations = frame.stations.map((cells) => fromCells<StationRow>(cells, STATION_COLUMNS));
    const areas = frame.areas.map((cells) => fromCells<AreaRow>(cells, AREA_COLUMNS));
    lost.push(...missDamaged(coverage, before, { frame, stations }));
    gaps.push(...observeRows(coverage, { ...frame, stations, areas }));
    before = frame;
  }
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
      gaps: [...frames.flatMap((frame) => frame.gaps), ...gaps, ...lost],
      epochs: frames.map(({ epoch }) => epoch),
      positions: positionsOf(last.epoch, last.positions),
      spans: coverage.spans(),
      unsettled: coverage.unsettled(),
      journalFrom,
    });
  } else if (journalFrom > folder.manifest.journalFrom) await folder.commit(() => ({ journalFrom }));
  // Imports and runs without Kafka may have come in between.
  const known = folder.manifest.epochs.findLast((epoch) => epoch.kind === "kafka");
  if (known !== undefined && continues(known, options)) {
    coverage.closeAllBut([known.id]);
    return {
      coverage,
      epoch: known,
      positions: new Map(Object.entries(folder.manifest.positions)),
      kept: await keptAreas(folder, known.id),
      lost,
    };
  }
  const epoch = nextEpoch(folder.manifest.epochs, options);
  coverage.closeAllBut(known === undefined ? [] : [known.id]);
  return { coverage, epoch, positions: new Map(), kept: new Map(), lost };
}

/**
 * A frame between two others could not be read: what it held is missing of every system, from the last record before it
 * to the first one after it.
 */
function missDamaged(
  coverage: Coverage,
  before: Frame | undefined,
  { frame, stations }: { readonly frame: Frame; readonly stations: readonly StationRow[] },
): readonly RecordedGap[] {
  const expected = before?.sequence === undefined ? undefined : before.sequence + 1;
  if (frame.epoch.id !== before?.epoch.id || frame.sequence === undefined || frame.sequence === expected)
    return [];
  if (expected === undefined) return [];
  const gaps: RecordedGap[] = [];
  for (const [partition, rows] of Map.groupBy(stations, (row) => row.partition)) {
    const systems = new Set(rows.map(({ system }) => system));
    const missing = coverage.miss(frame.epoch.id, partition, rows[0]?.observedAtMs ?? 0, systems);
    for (const one of missing)
      if (one.fromMs > 0) gaps.push({ ...one, reason: "journal_damaged" satisfies GapReason });
  }
  return gaps;
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
    kept.set(areaKey(row.system, row.area), { through, asOfMs: row.asOfMs });
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
