/** From files that are whole to files that count: what a flush made, and where the log is read to, in one commit. */
import type { ArchiveFolder } from "./archive-folder.ts";
import type { Epoch, Span, Unsettled } from "../time/spans.ts";
import { KEYFRAMES_OF } from "../files/layout.ts";
import { mayHold, type DataFile, type Manifest, type RecordedGap } from "../files/manifest.ts";
import type { Flushed, FlushedFile } from "./flush-files.ts";

/** What is to be committed together. */
export interface FlushInput {
  readonly flushed: Flushed;
  readonly gaps: readonly RecordedGap[];
  /** Epochs that the rows are of; known ones may be among them. */
  readonly epochs: readonly Epoch[];
  /** Null keeps those of the Kafka log: this is another one, which nobody goes on with. */
  readonly positions: Readonly<Record<string, number>> | null;
  readonly spans: readonly Span[];
  /** @default none */
  readonly unsettled?: readonly Unsettled[];
  readonly journalFrom: number;
}

/** Rejects when it cannot be committed; nothing of the files is left then. */
export async function commitFlush(folder: ArchiveFolder, input: FlushInput): Promise<void> {
  const { files, simulated } = input.flushed;
  try {
    await folder.commit((manifest) => ({
      ...(manifest.simulated === undefined && simulated !== undefined ? { simulated } : {}),
      files: [...stillTrue(manifest, files), ...files.map(({ file }) => file)],
      epochs: withDays(withEpochs(manifest.epochs, input.epochs), files),
      ...(input.positions === null ? {} : { positions: { ...input.positions } }),
      spans: [...input.spans],
      unsettled: (input.unsettled ?? []).map((one) => ({
        ...one,
        timesMs: [...one.timesMs],
        missing: [...one.missing],
        lanes: (one.lanes ?? []).map(([lane, lastMs]) => [lane, lastMs]),
      })),
      gaps: withGaps(manifest.gaps, input.gaps),
      journalFrom: input.journalFrom,
    }));
  } catch (error) {
    // On a full disk every try would leave some.
    await folder.discard(files.map(({ file }) => file.path));
    throw error;
  }
}

/** The files that hold after these rows: a keyframe after them that should have known of them does not. */
function stillTrue(manifest: Manifest, added: readonly FlushedFile[]): readonly DataFile[] {
  const isLate = (keyframe: DataFile): boolean =>
    added.some(
      ({ file, epochs }) =>
        (file.table === "stations" || file.table === "areas") &&
        keyframe.table === KEYFRAMES_OF[file.table] &&
        keyframe.day > file.day &&
        keyframe.epochs?.some((epoch) => epochs.includes(epoch)) === true &&
        // A keyframe that systems share is the state of all that there were.
        (keyframe.system === undefined || mayHold(file, keyframe.system)),
    );
  return manifest.files.filter((file) => file.epochs === undefined || !isLate(file));
}

/** Later than any day: of an epoch without rows. */
const NO_DAY = "9999-12-31";

function withEpochs(known: Manifest["epochs"], epochs: readonly Epoch[]): Manifest["epochs"] {
  const all = [...known];
  for (const epoch of epochs) {
    const at = all.findIndex(({ id }) => id === epoch.id);
    const { topicIds } = epoch;
    if (at === -1) all.push({ ...epoch, fromDay: NO_DAY });
    else if (topicIds !== undefined) all[at] = { ...all[at], ...epoch, topicIds: { ...topicIds } };
  }
  return all;
}

/** The first day of each epoch's rows, where that is known. */
function withDays(epochs: Manifest["epochs"], added: readonly FlushedFile[]): Manifest["epochs"] {
  return epochs.map((epoch) => {
    if (epoch.fromDay === undefined) return epoch;
    const days = added.filter((one) => one.epochs.includes(epoch.id)).map(({ file }) => file.day);
    return { ...epoch, fromDay: [epoch.fromDay, ...days].reduce((a, b) => (b < a ? b : a)) };
  });
}

/** Those that touch, of one system and reason, as one. */
function withGaps(known: readonly RecordedGap[], added: readonly RecordedGap[]): RecordedGap[] {
  const gaps = [...known];
  for (const gap of added) {
    const at = gaps.findLastIndex(({ system, reason }) => system === gap.system && reason === gap.reason);
    const before = gaps[at];
    if (before !== undefined && gap.fromMs <= before.toMs && gap.toMs >= before.fromMs)
      gaps[at] = {
        ...before,
        fromMs: Math.min(before.fromMs, gap.fromMs),
        toMs: Math.max(before.toMs, gap.toMs),
      };
    else gaps.push(gap);
  }
  return gaps;
}
