/**
 * What the archive holds at one moment, as any process may read it: the manifest's files, and the rows that are in the
 * journal only. Taken without a lock: when a flush comes in between, it is taken again.
 */
import { open, stat } from "node:fs/promises";
import { Coverage, type Epoch, type Span } from "./coverage.ts";
import { decodeFrames, listJournals, type Frame } from "./journal.ts";
import { journalPath, manifestPath } from "./layout.ts";
import { EMPTY_MANIFEST, readManifest, type Manifest } from "./manifest.ts";
import { observeRows, rowsOf, type FrameRows } from "./recovery.ts";

export interface Snapshot {
  readonly manifest: Manifest;
  /** Acknowledged, not in a file yet. */
  readonly fresh: FrameRows;
  /** Coverage with the fresh rows. */
  readonly spans: readonly Span[];
  /** Epochs, those of the fresh rows too. */
  readonly epochs: Manifest["epochs"];
}

/** One journal as read so far. */
interface ReadJournal {
  length: number;
  readonly frames: ReadFrame[];
}

type ReadFrame = Omit<Frame, "stations" | "areas"> & FrameRows;

/** What follows from one manifest and the frames after it: gone on with as frames come. */
interface Followed {
  readonly revision: number;
  readonly coverage: Coverage;
  readonly epochs: Epoch[];
  readonly fresh: FrameRows;
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
        fresh: { stations: [], areas: [], gaps: [] },
        frames: 0,
      };
    const { coverage, epochs, fresh } = this.#followed;
    for (const frame of frames.slice(this.#followed.frames)) {
      observeRows(coverage, frame);
      if (!epochs.some(({ id }) => id === frame.epoch.id)) epochs.push(frame.epoch);
      for (const row of frame.stations) fresh.stations.push(row);
      for (const row of frame.areas) fresh.areas.push(row);
      fresh.gaps.push(...frame.gaps);
    }
    this.#followed.frames = frames.length;
    const snapshot = {
      manifest,
      // Copies: what is handed out does not grow.
      fresh: { stations: [...fresh.stations], areas: [...fresh.areas], gaps: [...fresh.gaps] },
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
      const journal = this.#journals.get(number) ?? { length: 0, frames: [] };
      const bytes = await readFrom(journalPath(this.#folder, number), journal.length);
      if (bytes === null) continue;
      const { frames, length } = decodeFrames(bytes);
      journal.length += length;
      for (const frame of frames) journal.frames.push({ ...frame, ...rowsOf([frame]) });
      this.#journals.set(number, journal);
    }
  }
}

/** The bytes of a file from `position` on; null when it is gone. */
async function readFrom(path: string, position: number): Promise<Buffer | null> {
  const file = await open(path, "r").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (file === null) return null;
  try {
    const { size } = await file.stat();
    if (size <= position) return Buffer.alloc(0);
    const bytes = Buffer.alloc(size - position);
    const { bytesRead } = await file.read(bytes, 0, bytes.length, position);
    return bytes.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
