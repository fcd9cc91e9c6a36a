/** Makes the keyframe after a day that is over, where none holds. */
import type { ArchiveFolder } from "./archive-folder.ts";
import { covers, epochsAlive, sharedStateSources, stateSources } from "../files/keyframes.ts";
import { dataPath, KEYFRAMES_OF, nextDay } from "../files/layout.ts";
import type { Lot } from "./mergeable-days.ts";
import { mayHold, type DataFile, type Manifest } from "../files/manifest.ts";

export class KeyframeMaker {
  readonly #folder: ArchiveFolder;

  constructor(folder: ArchiveFolder) {
    this.#folder = folder;
  }

  /** The state at the end of a lot's day, as the keyframe of the next one. */
  async make(lot: Lot): Promise<void> {
    const { manifest } = this.#folder;
    const { table, system } = lot;
    const day = nextDay(lot.day);
    const epochs = epochsAlive(manifest, system, day);
    const held = heldBy(manifest, lot, day);
    if (held !== undefined && covers(held, epochs)) return;
    const sources =
      system === null ? sharedStateSources(manifest, table, day) : stateSources(manifest, table, system, day);
    if (sources.length === 0) return;
    const path = dataPath(KEYFRAMES_OF[table], system, day, this.#folder.takeFileNumber());
    const whose = system === null ? { systems: rangeOf(sources) } : { system };
    try {
      const { rows, bytes } = await this.#folder.parquet.keyframe({
        table,
        sources: sources.map((source) => ({ path: source.path, system: source.system })),
        epochs,
        system,
        path,
      });
      const file = { path, table: KEYFRAMES_OF[table], ...whose, day, rows, bytes, sealed: true };
      const isNamed = await this.#commit(manifest, { ...file, epochs: [...epochs] }, { lot, sources, held });
      if (!isNamed) await this.#folder.discard([path]);
    } catch (error) {
      await this.#folder.discard([path]);
      throw error;
    }
  }

  /** @returns false when rows of a day before came while it was made: it does not hold, and is made again */
  async #commit(
    before: Manifest,
    keyframe: DataFile,
    made: { readonly lot: Lot; readonly sources: readonly DataFile[]; readonly held: DataFile | undefined },
  ): Promise<boolean> {
    const { lot, sources, held } = made;
    const concerns = (file: DataFile): boolean =>
      file.table === lot.table && file.day <= lot.day && (lot.system === null || mayHold(file, lot.system));
    let isNamed = false;
    await this.#folder.commit(({ files }) => {
      const paths = new Set(files.map(({ path }) => path));
      const same = sources.every(({ path }) => paths.has(path));
      isNamed = same && files.filter(concerns).length === before.files.filter(concerns).length;
      if (!isNamed) return {};
      return { files: [...files.filter(({ path }) => path !== held?.path), keyframe] };
    });
    return isNamed;
  }
}

/** The keyframe that is there already. */
function heldBy({ files }: Manifest, { table, system }: Lot, day: string): DataFile | undefined {
  return files.find(
    (file) => file.table === KEYFRAMES_OF[table] && file.day === day && file.system === (system ?? undefined),
  );
}

/** The first and the last of the systems that files may hold. */
function rangeOf(files: readonly DataFile[]): [string, string] {
  const names = files.flatMap(({ system, systems }) => systems ?? [system ?? ""]).sort();
  return [names[0] ?? "", names.at(-1) ?? ""];
}
