/**
 * Gives collectors back what an earlier run published: the log is their only memory. The topic is read once for all
 * systems that start together, and each takes its own records out of what was read.
 */
import type { Collection } from "../domain/collection.ts";
import { receiveRaw } from "../domain/received-record.ts";
import type { Clock, Log, LogRecord, TopicNames } from "../ports.ts";

/** The newest records of one system, in log order. */
type Kept = Map<string, LogRecord>;

export class RestoreSnapshot {
  readonly #log: Log;
  readonly #rawTopic: string;
  /** Of the whole process: one system that is stopped must not cut short what all others wait for. */
  readonly #signal: AbortSignal;
  readonly #clock: Pick<Clock, "now">;
  /** What was read and not yet taken, by system. */
  #systems: Promise<Map<string, Kept>> | null = null;
  /** Systems that took theirs: what was read no longer tells where they stand. */
  readonly #taken = new Set<string>();

  constructor(log: Log, rawTopic: string, signal: AbortSignal, clock: Pick<Clock, "now">) {
    this.#log = log;
    this.#rawTopic = rawTopic;
    this.#signal = signal;
    this.#clock = clock;
  }

  /** @returns how many stations of the system are published now */
  async restore(collection: Collection, systemId: string): Promise<number> {
    if (this.#systems === null || this.#taken.has(systemId)) {
      this.#taken.clear();
      this.#systems = this.#read();
      // A read that failed is not what the next system gets.
      this.#systems.catch(() => (this.#systems = null));
    }
    this.#taken.add(systemId);
    const systems = await this.#systems;
    const nowMs = this.#clock.now();
    for (const record of systems.get(systemId)?.values() ?? [])
      restoreRecord(collection, systemId, record, nowMs);
    systems.delete(systemId);
    return collection.stationCount;
  }

  async #read(): Promise<Map<string, Kept>> {
    const systems = new Map<string, Kept>();
    for await (const { records } of this.#log.read({
      topics: [this.#rawTopic],
      from: "earliest",
      until: "end",
      signal: this.#signal,
    })) {
      for (const record of records) {
        // Keys alone tell whose record it is: no value is parsed before its system asks for it.
        const systemId = record.key?.slice(0, record.key.indexOf(":")) ?? "";
        if (systemId === "") continue;
        let kept = systems.get(systemId);
        if (kept === undefined) systems.set(systemId, (kept = new Map()));
        // A station that moved has a tombstone in the partition it left and a record where it is now.
        const place = `${record.partition} ${record.key ?? ""}`;
        kept.delete(place);
        kept.set(place, record);
      }
    }
    return systems;
  }
}

/** Reads the raw topic to its end, for one system. */
export function restoreCollection(
  { log, topics, clock }: { log: Log; topics: Pick<TopicNames, "raw">; clock: Pick<Clock, "now"> },
  collection: Collection,
  systemId: string,
  signal: AbortSignal,
): Promise<number> {
  return new RestoreSnapshot(log, topics.raw, signal, clock).restore(collection, systemId);
}

function restoreRecord(collection: Collection, systemId: string, record: LogRecord, nowMs: number): void {
  const { key, partition } = record;
  if (key === null) return;
  // A record from the future is no memory of what was published: its station is published again.
  const decoding = receiveRaw(record, nowMs, () => null);
  if (decoding === "tombstone") {
    collection.restoreTombstone(key.slice(systemId.length + 1), partition);
    return;
  }
  if (decoding.ok && decoding.record.systemId === systemId) collection.restore(decoding.record, partition);
}
