/** From rows in memory to committed Parquet files: one a table, system and day. */
import type { ArchiveFolder } from "./archive-folder.ts";
import type { Epoch, Span, Unsettled } from "./coverage.ts";
import { dataPath, dayOf, type Table } from "./layout.ts";
import type { DataFile, Manifest, RecordedGap } from "./manifest.ts";
import type { Row } from "./parquet.ts";
import type { AreaRow, StationRow } from "./rows.ts";

/** Acknowledged rows that are not in a Parquet file yet. */
export interface Buffered {
  readonly stations: StationRow[];
  readonly areas: AreaRow[];
  readonly gaps: RecordedGap[];
}

/** What is to be committed together. */
export interface FlushInput extends Buffered {
  /** Epochs that the rows are of; known ones may be among them. */
  readonly epochs: readonly Epoch[];
  /** Null keeps those of the Kafka log: this is another one, which nobody goes on with. */
  readonly positions: Readonly<Record<string, number>> | null;
  readonly spans: readonly Span[];
  /** @default none */
  readonly unsettled?: readonly Unsettled[];
  readonly journalFrom: number;
}

/** Rejects when they cannot be committed; nothing of them is left then. */
export async function commitRows(folder: ArchiveFolder, input: FlushInput): Promise<void> {
  const files: DataFile[] = [];
  try {
    await writeAndCommit(folder, input, files);
  } catch (error) {
    // On a full disk every try would leave some.
    await folder.discard(files.map(({ path }) => path));
    throw error;
  }
}

async function writeAndCommit(folder: ArchiveFolder, input: FlushInput, files: DataFile[]): Promise<void> {
  const groups = [
    ...grouped("stations", input.stations, (row) => row.observedAtMs),
    ...grouped("areas", input.areas, (row) => row.asOfMs),
  ];
  for (const { table, system, day, rows } of groups) {
    const path = dataPath(table, system, day, folder.takeFileNumber());
    const bytes = await folder.parquet.write(table, path, rows);
    files.push({ path, table, system, day, rows: rows.length, bytes, sealed: false });
  }
  const simulated = (input.stations.find(({ event }) => event !== "removed") ?? input.areas[0])?.simulated;
  await folder.commit((manifest) => ({
    ...(manifest.simulated === undefined && simulated !== undefined ? { simulated } : {}),
    files: [...stillTrue(manifest, groups), ...files],
    epochs: withEpochs(manifest.epochs, input.epochs),
    ...(input.positions === null ? {} : { positions: { ...input.positions } }),
    spans: [...input.spans],
    unsettled: (input.unsettled ?? []).map((one) => ({
      ...one,
      timesMs: [...one.timesMs],
      missing: [...one.missing],
    })),
    gaps: [...manifest.gaps, ...input.gaps],
    journalFrom: input.journalFrom,
  }));
}

interface Group {
  readonly table: "stations" | "areas";
  readonly system: string;
  readonly day: string;
  readonly rows: Row[];
  readonly epochs: Set<number>;
}

function grouped<R extends Row>(
  table: Group["table"],
  rows: readonly R[],
  timeOf: (row: R) => number,
): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const row of rows) {
    const day = dayOf(timeOf(row));
    const id = `${row.system}\n${day}`;
    let group = groups.get(id);
    if (group === undefined)
      groups.set(id, (group = { table, system: row.system, day, rows: [], epochs: new Set() }));
    group.rows.push(row);
    group.epochs.add(row.epoch);
  }
  return [...groups.values()];
}

/** The files that hold after these rows: a keyframe after them that should have known of them does not. */
function stillTrue(manifest: Manifest, groups: readonly Group[]): readonly DataFile[] {
  const late = (file: DataFile): boolean =>
    file.epochs !== undefined &&
    groups.some(
      ({ table, system, day, epochs }) =>
        file.table === keyframesOf(table) &&
        file.system === system &&
        file.day > day &&
        file.epochs?.some((epoch) => epochs.has(epoch)) === true,
    );
  return manifest.files.filter((file) => !late(file));
}

function keyframesOf(table: Group["table"]): Table {
  return table === "stations" ? "station_keyframes" : "area_keyframes";
}

function withEpochs(known: Manifest["epochs"], epochs: readonly Epoch[]): Manifest["epochs"] {
  const all = [...known];
  for (const epoch of epochs) if (!all.some(({ id }) => id === epoch.id)) all.push(epoch);
  return all;
}
