/**
 * The journals of one writer: frames go to the newest, until a flush begins the next.
 *
 *   7: frames … ──rotate──▶ 8: frames …          those below the one that `rotate` names can become files
 */
import { encodeFrame, type JournalFile, type OpenJournal } from "../files/journal.ts";
import type { Frame } from "../files/journal-frame.ts";

export class JournalWriter {
  readonly #folder: string;
  readonly #open: OpenJournal;
  #file: JournalFile | null = null;
  #number: number;
  #sequence = 0;

  /** @param number of the first journal: there must be none of it or above */
  constructor(folder: string, number: number, open: OpenJournal) {
    this.#folder = folder;
    this.#number = number;
    this.#open = open;
  }

  /** Resolves when the frame will survive a power cut; otherwise it does not count. */
  async append(frame: Frame): Promise<void> {
    this.#file ??= await this.#open(this.#folder, this.#number);
    await this.#file.append(encodeFrame({ ...frame, sequence: this.#sequence + 1 }));
    this.#sequence += 1;
  }

  /**
   * Begins another journal with the next frame. Rejects, and goes on with this one, while a frame that does not count
   * stands at its end: written again into the next one, its rows would be there twice.
   * @returns its number
   */
  async rotate(): Promise<number> {
    if (this.#file !== null) {
      await this.#file.mend();
      await this.#file.close().catch(() => {});
      this.#file = null;
      this.#number += 1;
    }
    return this.#number;
  }

  async close(): Promise<void> {
    await this.#file?.close().catch(() => {});
    this.#file = null;
  }
}
