/**
 * What one collector knows of the others that write its system's records: who they are, what they did to stations of
 * ours, and whether they collect another feed under the same name.
 *
 *   record of another ─▶ (held while a poll is being published) ─▶ Collection.learn ─▶ the next plan puts it right
 *                                                                        │
 *                     told once, as a log line and a flag ◀──────────────┘
 */
import type { Collection, Plan } from "../../domain/collection.ts";
import type { RawRecord } from "../../record/raw-record.ts";
import { receiveRaw } from "../../record/received-record.ts";
import {
  decodeWriter,
  encodeWriter,
  OTHER_SILENT_MS,
  startedMsOf,
  type OtherWriter,
  type Writer,
} from "../../record/writer.ts";
import type { Clock, Logger, LogRecord, Metrics, SystemDescription, SystemFlag } from "../../ports.ts";
import { parseStationKey, stationOfTombstone, SYSTEM_HEADER } from "../../record/keys.ts";

/** A rival that wrote nothing for this long has stopped: a collector writes every five minutes (domain/heartbeat.ts). */
export const RIVAL_SILENT_MS = 6 * 60_000;
/** The same is said again only after this long. */
const SAY_AGAIN_MS = 600_000;
/** Writers remembered; those that are silent go first. */
const WRITERS_KEPT = 100;
const NAMED = 3;

/** In place of a record: the topic was made again. */
const REPLACED = Symbol("replaced");

export interface OtherWritersOptions {
  readonly own: Writer;
  readonly system: SystemDescription;
  readonly collection: Collection;
  readonly isWanted: (record: RawRecord) => boolean;
  readonly rawTopic: string;
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export class OtherWriters {
  /** What this collector writes into the header `writer`. */
  readonly header: string;
  readonly #options: OtherWritersOptions;
  readonly #writers = new Map<string, OtherWriter>();
  readonly #flags = new Map<string, SystemFlag & { readonly untilMs: number }>();
  readonly #saidMs = new Map<string, number>();
  /** Records that wait until the topic was restored, or a poll was acknowledged; null when nothing is in the way. */
  #held: (LogRecord | typeof REPLACED)[] | null = [];
  /** Real stations were written beside this simulated feed's. */
  #mixed = false;

  constructor(options: OtherWritersOptions) {
    this.#options = options;
    this.header = encodeWriter(options.own);
  }

  take(record: LogRecord): void {
    if (this.#held !== null) this.#held.push(record);
    else this.#apply(record);
  }

  /** The topic was made again, and is read from its start: the next poll publishes every station that it lacks. */
  replaced(): void {
    if (this.#held !== null) this.#held.push(REPLACED);
    else this.#forget();
  }

  /** Records wait from now on: between a plan and its acknowledgement the collection must not change. */
  hold(): void {
    this.#held ??= [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const record of held)
      if (record === REPLACED) this.#forget();
      else this.#apply(record);
  }

  /** A record found while restoring: one of another feed, just written, may be a rival's at work. */
  restored(header: string | undefined, observedAtMs: number): void {
    const writer = this.#writer(header);
    if (this.#isRival(writer)) writer.seenAtMs = Math.max(writer.seenAtMs, observedAtMs);
  }

  /** The collector of another feed that writes this system now, and whether this one has to give way. */
  rival(): { readonly writer: OtherWriter; readonly givesWay: boolean } | null {
    const nowMs = this.#options.clock.now();
    for (const writer of this.#writers.values())
      if (this.#isRival(writer) && nowMs - writer.seenAtMs < RIVAL_SILENT_MS)
        return { writer, givesWay: isBefore(writer, this.#options.own) };
    return null;
  }

  /** A simulated feed gives way to a real one, whoever started first. */
  get mixesWithReal(): boolean {
    return this.#mixed;
  }

  /** What people should know of the others, as flags of the system. */
  flags(): readonly SystemFlag[] {
    const nowMs = this.#options.clock.now();
    for (const [flag, { untilMs }] of this.#flags) if (nowMs >= untilMs) this.#flags.delete(flag);
    return [...this.#flags.values()].map(({ flag, sinceMs, message }) => ({ flag, sinceMs, message }));
  }

  /** After the restore: what a selection leaves alone in the topic. */
  tellUnwanted(): void {
    const { collection, system, rawTopic, logger } = this.#options;
    const more = collection.unwantedCount;
    if (more === 0) return;
    const message =
      `Topic ${rawTopic} holds ${more} more stations of ${system.systemId} that --stations leaves out: they stay, ` +
      "and count in the totals. To have the chosen ones alone, name topics of their own (--raw-topic, --totals-topic).";
    this.#raise("topic_holds_more", message, Infinity);
    logger.warn("collect.topic_holds_more", message, { system: system.systemId, stations: more });
  }

  /** After a plan was acknowledged: what it put right. */
  told(plan: Plan): void {
    const { system, rawTopic, metrics } = this.#options;
    const rival = this.rival();
    if (rival !== null)
      this.#say(
        "written_by_another_feed",
        rival.writer,
        0,
        `${nameOf(rival.writer)} writes ${system.systemId} to topic ${rawTopic} from another feed; it started later, ` +
          "and should stop. Stop it, or name the two apart in a --feeds file.",
      );
    const count = plan.returned.size;
    const labels = { system: system.systemId, oddity: "taken_out_by_another" };
    if (count > 0) metrics.count("velostream_oddities_total", labels, count);
    for (const [writer, ids] of byWriter(plan.returned))
      this.#say(
        "taken_out_by_another",
        writer,
        ids.length,
        `${nameOf(writer)} took ${stations(ids)} of ${system.systemId} out of topic ${rawTopic}, and the feed still ` +
          "has them: they are published again. Stop it, or give it topics of its own.",
      );
    for (const [writer, ids] of byWriter(plan.contested))
      this.#say(
        "area_contested",
        writer,
        ids.length,
        `${nameOf(writer)} puts ${stations(ids)} of ${system.systemId} into other areas than this collector; the one ` +
          "that started last decides. Start both with the same area options, or give one topics of its own.",
      );
  }

  #forget(): void {
    const { collection, system, rawTopic, logger } = this.#options;
    collection.forget();
    logger.warn(
      "collect.topic_replaced",
      `Topic ${rawTopic} was made again: every station of ${system.systemId} that it lacks is published with the next poll.`,
      { system: system.systemId, topic: rawTopic },
    );
  }

  #apply(record: LogRecord): void {
    const { own, system, collection, isWanted, clock } = this.#options;
    const { key, partition } = record;
    if (key === null) return;
    const header = record.headers["writer"];
    const writer =
      header === this.header || decodeWriter(header).collector === own.collector
        ? null
        : this.#writer(header);
    if (writer === null) {
      const own = parseStationKey(key);
      // A tombstone that took a key of old away tells nothing of the station.
      if (own?.systemId === system.systemId) collection.learnOwn(own.stationId);
      return;
    }
    if (writer.seenAtMs === -Infinity) this.#meet(writer);
    writer.seenAtMs = clock.now();
    const decoding = receiveRaw(record, clock.now(), () => null);
    if (decoding === "tombstone") {
      const gone = stationOfTombstone(key, record.headers[SYSTEM_HEADER]);
      if (gone?.systemId === system.systemId) collection.learn(gone.stationId, null, partition, writer);
      return;
    }
    if (!decoding.ok || decoding.record.systemId !== system.systemId) return;
    const read = decoding.record;
    if (system.simulated && !read.simulated && !read.retired) this.#mixed = true;
    collection.learn(read.stationId, read, partition, writer, isWanted(read));
  }

  #writer(header: string | undefined): OtherWriter {
    const name = header ?? "";
    let writer = this.#writers.get(name);
    if (writer !== undefined) return writer;
    if (this.#writers.size >= WRITERS_KEPT) {
      const oldestMs = Math.min(...[...this.#writers.values()].map(({ seenAtMs }) => seenAtMs));
      for (const [other, { seenAtMs }] of this.#writers)
        if (seenAtMs === oldestMs) this.#writers.delete(other);
    }
    writer = { ...decodeWriter(header), header: name, seenAtMs: -Infinity };
    this.#writers.set(name, writer);
    return writer;
  }

  #isRival({ collector, feed }: Writer): boolean {
    const { own } = this.#options;
    return collector !== own.collector && feed !== own.feed && feed !== "-" && own.feed !== "-";
  }

  #meet(writer: OtherWriter): void {
    const { system, rawTopic, logger } = this.#options;
    const why = this.#isRival(writer)
      ? ", from another feed."
      : writer.collector === ""
        ? "."
        : ", which does no harm as long as both collect the same feed with the same options.";
    logger.info(
      "collect.another_writer",
      `${nameOf(writer)} writes ${system.systemId} to topic ${rawTopic} too${why}`,
      { system: system.systemId, writer: writer.header },
    );
  }

  #say(flag: string, writer: OtherWriter, count: number, message: string): void {
    const { system, clock, logger } = this.#options;
    const nowMs = clock.now();
    this.#raise(flag, message, nowMs + OTHER_SILENT_MS);
    const what = `${flag} ${writer.header}`;
    if (nowMs - (this.#saidMs.get(what) ?? -Infinity) < SAY_AGAIN_MS) return;
    if (this.#saidMs.size >= WRITERS_KEPT) this.#saidMs.clear();
    this.#saidMs.set(what, nowMs);
    logger.warn(`collect.${flag}`, message, {
      system: system.systemId,
      writer: writer.header,
      stations: count,
    });
  }

  #raise(flag: string, message: string, untilMs: number): void {
    const sinceMs = this.#flags.get(flag)?.sinceMs ?? this.#options.clock.now();
    this.#flags.set(flag, { flag, sinceMs, message, untilMs });
  }
}

/** Of two rivals the one that started first stays; at one moment, the one whose name is first. */
function isBefore(other: Writer, own: Writer): boolean {
  const [theirs, ours] = [startedMsOf(other.collector), startedMsOf(own.collector)];
  return theirs < ours || (theirs === ours && other.collector < own.collector);
}

/** How people are told of it. */
export function nameOf({ collector, stations }: Writer): string {
  if (collector === "") return "A program that does not say who it is (an older version, or no velostream)";
  return `Another collector (${collector}, stations: ${stations})`;
}

function byWriter(stations: ReadonlyMap<string, OtherWriter>): Map<OtherWriter, string[]> {
  const ids = new Map<OtherWriter, string[]>();
  for (const [stationId, writer] of stations) {
    const list = ids.get(writer);
    if (list === undefined) ids.set(writer, [stationId]);
    else list.push(stationId);
  }
  return ids;
}

function stations(ids: readonly string[]): string {
  const named = ids.slice(0, NAMED).join(", ");
  return ids.length === 1
    ? `station ${named}`
    : `${ids.length} stations (${named}${ids.length > NAMED ? ", …" : ""})`;
}
