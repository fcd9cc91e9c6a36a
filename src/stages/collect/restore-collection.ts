/**
 * Gives collectors back what an earlier run published: the log is their only memory. One read of the topic serves all
 * systems that ask for theirs at once, and keeps no other system's records.
 *
 *   asks ─▶ waits for the read under way ─▶ a read for all that asked by then ─▶ takes its own
 */
import type { Collection } from "../../domain/collection.ts";
import type { RawRecord } from "../../record/raw-record.ts";
import { receiveRaw } from "../../record/received-record.ts";
import { systemOfKey } from "../../record/keys.ts";
import type { Clock, Log, LogRecord } from "../../ports.ts";

/** The newest records of one system, in log order. */
type Kept = Map<string, LogRecord>;

/** How a collection takes its records back. */
export interface RestoreRules {
  /** False for a station that a selection leaves to others. */
  readonly isWanted?: (record: RawRecord) => boolean;
  /** Told of every observation: the header `writer`, and when it was made. */
  readonly onRecord?: (writer: string | undefined, observedAtMs: number) => void;
}

interface Request {
  readonly systemIds: Set<string>;
  readonly systems: Promise<Map<string, Kept>>;
}

export class RestoreSnapshot {
  readonly #log: Log;
  readonly #rawTopic: string;
  /** Of the whole process: one system that is stopped must not cut short what all others wait for. */
  readonly #signal: AbortSignal;
  readonly #clock: Pick<Clock, "now">;
  /** The log was empty when this process started: nothing is there of a system that it collects for the first time. */
  readonly #startedEmpty: boolean;
  readonly #collected = new Set<string>();
  /** The read that has not begun. */
  #next: Request | null = null;
  #reading: Promise<unknown> = Promise.resolve();

  constructor(
    log: Log,
    rawTopic: string,
    signal: AbortSignal,
    clock: Pick<Clock, "now">,
    startedEmpty = false,
  ) {
    this.#log = log;
    this.#rawTopic = rawTopic;
    this.#signal = signal;
    this.#clock = clock;
    this.#startedEmpty = startedEmpty;
  }

  /** @returns how many stations of the system are published now */
  async restore(collection: Collection, systemId: string, rules: RestoreRules = {}): Promise<number> {
    const first = !this.#collected.has(systemId);
    this.#collected.add(systemId);
    if (this.#startedEmpty && first) return collection.stationCount;
    const request = (this.#next ??= this.#request());
    request.systemIds.add(systemId);
    const systems = await request.systems;
    const nowMs = this.#clock.now();
    for (const record of systems.get(systemId)?.values() ?? [])
      restoreRecord(collection, systemId, record, nowMs, rules);
    systems.delete(systemId);
    return collection.stationCount;
  }

  #request(): Request {
    const systemIds = new Set<string>();
    const systems = this.#reading.then(() => {
      this.#next = null;
      return this.#read(systemIds);
    });
    // A read that failed is not what the next one waits for.
    this.#reading = systems.catch(() => undefined);
    return { systemIds, systems };
  }

  async #read(systemIds: ReadonlySet<string>): Promise<Map<string, Kept>> {
    const systems = new Map<string, Kept>([...systemIds].map((systemId) => [systemId, new Map()]));
    /** Whose records stand under keys that do not tell it, by place: keys of version 0.1.0 with colons in the ids. */
    const owners = new Map<string, string>();
    for await (const { records } of this.#log.read({
      topics: [this.#rawTopic],
      from: "earliest",
      until: "end",
      signal: this.#signal,
    })) {
      for (const record of records) {
        const { key } = record;
        // Keys alone tell whose record it is, but for those of old: no value is parsed before its system asks for it.
        if (key === null || (!mayBeFormer(key) && !systems.has(systemOfKey(key)))) continue;
        // A station that moved has a tombstone in the partition it left and a record where it is now.
        const place = `${record.partition} ${key}`;
        const systemId = mayBeFormer(key) ? ownerOf(record, owners.get(place)) : systemOfKey(key);
        const kept = systems.get(systemId);
        if (kept === undefined) continue;
        kept.delete(place);
        // A tombstone leaves nothing to restore.
        if (record.value !== null) kept.set(place, record);
        if (mayBeFormer(key)) owners.set(place, systemId);
      }
    }
    return systems;
  }
}

/** Keys of 0.1.0 had nothing encoded: of these the first colon may not be the one that parts them. */
function mayBeFormer(key: string): boolean {
  return key.includes("%") || key.indexOf(":") !== key.lastIndexOf(":");
}

/** Whose record stands under such a key; a tombstone is of whose record stood there. */
function ownerOf(record: LogRecord, owner = ""): string {
  const decoding = receiveRaw(record, Infinity, () => null);
  if (decoding === "tombstone") return owner;
  return decoding.ok ? decoding.record.systemId : "";
}

function restoreRecord(
  collection: Collection,
  systemId: string,
  record: LogRecord,
  nowMs: number,
  rules: RestoreRules,
): void {
  const { key, partition, headers } = record;
  // A record from the future is no memory of what was published: its station is published again.
  const decoding = receiveRaw(record, nowMs, () => null);
  if (decoding === "tombstone" || !decoding.ok || decoding.record.systemId !== systemId) return;
  rules.onRecord?.(headers["writer"], decoding.record.observedAtMs);
  collection.restore(decoding.record, partition, rules.isWanted?.(decoding.record) ?? true, key);
}
