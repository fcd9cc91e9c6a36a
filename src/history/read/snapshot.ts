/**
 * What the archive holds at one moment, as any process may read it: the manifest's files, and the rows that are in the
 * journal only. Taken without a lock: when a flush comes in between, it is taken again.
 */
import { stat } from "node:fs/promises";
import { Coverage } from "../time/coverage.ts";
import type { Epoch, Span } from "../time/spans.ts";
import { listJournals, readFrames } from "../files/journal.ts";
import type { Frame } from "../files/journal-frame.ts";
import { manifestPath } from "../files/layout.ts";
import { EMPTY_MANIFEST, readManifest, type Manifest, type RecordedGap } from "../files/manifest.ts";
import { FreshRows } from "./fresh-rows.ts";
import { PackedTable, placeOf } from "../files/packed-table.ts";
import { observeRows, type FramePlace } from "../files/observe-rows.ts";
import type { AreaRow, Cell, StationRow } from "../files/rows.ts";

export interface Snapshot {
  readonly manifest: Manifest;
  /** Acknowledged, not in a file yet. */
  readonly fresh: {
    readonly stations: FreshRows<StationRow>;
    readonly areas: FreshRows<AreaRow>;
    readonly gaps: readonly RecordedGap[];
  };
  /** Coverage with the fresh rows. */
  readonly spans: readonly Span[];
  /** Epochs, those of the fresh rows too. */
  readonly epochs: Manifest["epochs"];
}

/** One journal as read so far. */
interface ReadJournal {
  length: number;
  readonly frames: ReadFrame[];
  readonly stations: PackedTable;
  readonly areas: PackedTable;
}

/** A frame whose rows are in its journal's tables: these. */
interface ReadFrame extends Omit<Frame, "stations" | "areas"> {
  readonly stations: RowRange;
  readonly areas: RowRange;
}

interface RowRange {
  readonly rows: PackedTable;
  readonly from: number;
  readonly to: number;
}

/** What follows from one manifest and the frames after it: gone on with as frames come. */
interface Followed {
  readonly revision: number;
  readonly coverage: Coverage;
  readonly epochs: Epoch[];
  readonly gaps: RecordedGap[];
  frames: number;
}

const MOST_TRIES = 20;

/** Takes snapshots; remembers what it read, so that the next one reads only what is new. */
export class Snapshots {
  readonly #folder: string;
  #manifest: { readonly id: string; readonly manifest: Manifest } | null = null;
  readonly #journals = new Map<number, ReadJournal>();
  #followed: Followed | null = null;
  #last: { readonly frames: number; readonly snapshot: Snapshot } | null = null;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async take(): Promise<Snapshot> {
    for (let tries = 0; ; tries += 1) {
      const manifest = await this.#readManifest();
      await this.#readJournals(manifest.journalFrom);
      // A flush commits before it removes its journals: with the same manifest, no row was missed.
      const after = await this.#readManifest();
      if (after.revision !== manifest.revision && tries < MOST_TRIES) continue;
      return this.#snapshot(manifest);
    }
  }

  #snapshot(manifest: Manifest): Snapshot {
    const journals = [...this.#journals].sort(([a], [b]) => a - b);
    const frames = journals.flatMap(([, journal]) => journal.frames);
    const { revision } = manifest;
    if (this.#last?.frames === frames.length && this.#last.snapshot.manifest.revision === revision)
      return this.#last.snapshot;
    if (this.#followed?.revision !== revision)
      this.#followed = {
        revision,
        coverage: new Coverage(manifest.spans, manifest.unsettled),
        epochs: [...manifest.epochs],
        gaps: [],
        frames: 0,
      };
    const { coverage, epochs, gaps } = this.#followed;
    for (const frame of frames.slice(this.#followed.frames)) {
      gaps.push(
        ...observeRows(coverage, {
          ...frame,
          stations: placed(frame.stations, "observed_at", "observedAtMs"),
          areas: placed(frame.areas, "as_of", "asOfMs"),
        }),
      );
      if (!epochs.some(({ id }) => id === frame.epoch.id)) epochs.push(frame.epoch);
      gaps.push(...frame.gaps);
    }
    this.#followed.frames = frames.length;
    const snapshot = {
      manifest,
      // What is handed out does not grow.
      fresh: {
        stations: new FreshRows<StationRow>(journals.map(([, { stations }]) => asItIs(stations))),
        areas: new FreshRows<AreaRow>(journals.map(([, { areas }]) => asItIs(areas))),
        gaps: [...gaps],
      },
      spans: coverage.spans(),
      epochs: [...epochs],
    };
    this.#last = { frames: frames.length, snapshot };
    return snapshot;
  }

  async #readManifest(): Promise<Manifest> {
    const found = await stat(manifestPath(this.#folder)).catch(() => null);
    if (found === null) return EMPTY_MANIFEST;
    // Every commit is a new file.
    const id = `${found.ino} ${found.size} ${found.mtimeMs}`;
    if (this.#manifest?.id === id) return this.#manifest.manifest;
    const manifest = (await readManifest(this.#folder)) ?? EMPTY_MANIFEST;
    this.#manifest = { id, manifest };
    return manifest;
  }

  async #readJournals(from: number): Promise<void> {
    const numbers = (await listJournals(this.#folder)).filter((number) => number >= from);
    for (const known of this.#journals.keys()) if (!numbers.includes(known)) this.#journals.delete(known);
    for (const number of numbers) {
      const journal = this.#journals.get(number) ?? {
        length: 0,
        frames: [],
        stations: new PackedTable("stations"),
        areas: new PackedTable("areas"),
      };
      // A piece at a time: a question must not hold up live data.
      for await (const { frame, end } of readFrames(this.#folder, number, journal.length)) {
        journal.length = end;
        const { stations, areas, ...rest } = frame;
        const range = (rows: PackedTable, cells: readonly (readonly Cell[])[]): RowRange => {
          const from = rows.length;
          for (const each of cells) rows.push(each);
          return { rows, from, to: rows.length };
        };
        journal.frames.push({
          ...rest,
          stations: range(journal.stations, stations),
          areas: range(journal.areas, areas),
        });
      }
      if (journal.length > 0) this.#journals.set(number, journal);
    }
  }
}

function asItIs(rows: PackedTable): { readonly rows: PackedTable; readonly length: number } {
  return { rows, length: rows.length };
}

/** What coverage is to know of a frame's rows. */
function placed<K extends "observedAtMs" | "asOfMs">(
  { rows, from, to }: RowRange,
  timeColumn: string,
  timeKey: K,
): readonly (FramePlace & Record<K, number>)[] {
  const [epoch = 0, partition = 0, offset = 0, time = 0] = [
    "epoch",
    "log_partition",
    "log_offset",
    timeColumn,
  ].map((name) => placeOf(rows.table, name));
  return Array.from({ length: to - from }, (_, index) => {
    const row = from + index;
    const place: FramePlace = {
      system: rows.cell(0, row) as string,
      epoch: rows.cell(epoch, row) as number,
      partition: rows.cell(partition, row) as number,
      offset: rows.cell(offset, row) as number,
    };
    return { ...place, [timeKey]: rows.cell(time, row) as number } as FramePlace & Record<K, number>;
  });
}
