/**
 * Memory for large fetch answers, used again: fresh pages from the system cost more than the copying itself, and
 * blocks of megabytes make the garbage collector run (docs/decisions/0080).
 *
 *   free ──take──▶ an answer's records are read from it ──giveBack──▶ free        no longer wanted ──drop──▶ collected
 */

/** Smaller answers are not worth it. */
const LARGE_BYTES = 1024 * 1024;
/** One that is read and one on its way. */
const MOST_FREE = 2;

export class AnswerBlocks {
  #free: Buffer[] = [];

  /** Room for `bytes`; more where a larger block is free. */
  take(bytes: number): Buffer {
    if (bytes < LARGE_BYTES) {
      // The backlog is over.
      this.#free = [];
      return Buffer.allocUnsafeSlow(bytes);
    }
    const index = this.#free.findIndex((block) => block.length >= bytes);
    if (index >= 0) return this.#free.splice(index, 1)[0] as Buffer;
    // With head-room: answers of a backlog are all about as large as was asked for.
    return Buffer.allocUnsafeSlow(Math.ceil((bytes * 1.1) / LARGE_BYTES) * LARGE_BYTES);
  }

  /** Nothing reads from it any more. Blocks that were never given back are collected like any memory. */
  giveBack(block: Buffer): void {
    if (block.length < LARGE_BYTES) return;
    if (this.#free.length === MOST_FREE) this.#free.shift();
    this.#free.push(block);
  }
}

/** Of the whole process: partitions are read one answer after the other. */
export const answerBlocks = new AnswerBlocks();
