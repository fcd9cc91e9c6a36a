/** A record whose value stands among others in one block: the view of it is made when somebody asks. */
import type { LogRecord } from "../ports.ts";
import type { Reading } from "../record/received-record.ts";

export class StoredRecord implements LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly block: Buffer | null;
  readonly start: number;
  readonly end: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly timestampMs: number;
  /** Every reader of the partition gets this very record: what the first one reads of it is there for the others. */
  reading: Reading | null = null;

  constructor(
    topic: string,
    partition: number,
    offset: number,
    key: string | null,
    block: Buffer | null,
    start: number,
    end: number,
    headers: Readonly<Record<string, string>>,
    timestampMs: number,
  ) {
    this.topic = topic;
    this.partition = partition;
    this.offset = offset;
    this.key = key;
    this.block = block;
    this.start = start;
    this.end = end;
    this.headers = headers;
    this.timestampMs = timestampMs;
  }

  get value(): Buffer | null {
    return this.block === null ? null : this.block.subarray(this.start, this.end);
  }
}
