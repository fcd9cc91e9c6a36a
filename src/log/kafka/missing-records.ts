/**
 * Which records of a partition a reader finds gone. Pure.
 *
 *   asked for   3 4 5 6 7 8 9
 *   answered        5 M   8 9      M: a marker or an aborted record, nobody's loss; 3, 4 and 7 are missing
 */
import type { LogRecord, MissingRecords } from "../../ports.ts";

/** Offsets that hold nothing for readers, first and last, in order. */
export type Unseen = readonly (readonly [first: number, last: number])[];

/** Follows one partition, answer by answer. */
export class MissingRecordsFinder {
  readonly #topic: string;
  readonly #partition: number;
  /** The next offset that is neither read nor known to hold nothing. */
  #expected: number;
  /** Why records are gone before the next one. */
  #hole: MissingRecords["reason"] | null = null;

  /** @param expected the first offset that was asked for, whether the log still has it or not */
  constructor(topic: string, partition: number, expected: number) {
    this.#topic = topic;
    this.#partition = partition;
    this.#expected = expected;
  }

  /** An answer begins; later than expected where the log begins later by now. */
  begin(fetchOffset: number): void {
    if (fetchOffset > this.#expected) this.#hole = "retention";
    this.#expected = fetchOffset;
  }

  /** The holes before some of these records, which follow those before. */
  take(records: readonly LogRecord[], unseen: Unseen): readonly MissingRecords[] {
    const missing: MissingRecords[] = [];
    for (const { offset, unreadable } of records) {
      this.#pass(offset, unseen);
      if (this.#hole !== null)
        missing.push({
          topic: this.#topic,
          partition: this.#partition,
          beforeOffset: offset,
          reason: this.#hole,
        });
      this.#hole = null;
      this.#expected = offset + 1;
      // It may stand for all that follows in its batch: what that was is not known, and told of elsewhere.
      if (unreadable !== undefined) this.#expected = Infinity;
    }
    return missing;
  }

  /** An answer ends: what it had no record of before `nextOffset` is gone. */
  end(nextOffset: number, unseen: Unseen): void {
    this.#pass(nextOffset, unseen);
    this.#expected = nextOffset;
  }

  #pass(offset: number, unseen: Unseen): void {
    for (const [first, last] of unseen) {
      if (first >= offset) break;
      if (last < this.#expected) continue;
      if (first > this.#expected) this.#hole ??= "compacted";
      this.#expected = last + 1;
    }
    if (offset > this.#expected) this.#hole ??= "compacted";
  }
}
