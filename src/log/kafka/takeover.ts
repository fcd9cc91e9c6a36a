/**
 * Taking a partition over: fence whoever wrote for it before, read where the group stands, rebuild the state.
 *
 *   InitProducerId (fences, aborts) ──▶ committed position, if it is one in the topic as it is (position-note.ts)
 *     ──▶ history [start, committed) to the processor ──▶ live
 */
import type { Clock, Logger, LogRecord, PartitionProgress, Processor } from "../../ports.ts";
import { CommitPace, type Pending } from "../commit-pace.ts";
import type { Compression } from "./batches.ts";
import type { KafkaClient } from "./client.ts";
import { UnknownTopic } from "./errors.ts";
import { committedPosition } from "./committed-position.ts";
import type { Connectivity } from "./connectivity.ts";
import { Fetcher } from "./fetcher.ts";
import { earliestOffset, endOffset } from "./offsets.ts";
import { differs, type NotedPosition, type PositionNote, resume, type TopicsNow } from "./position-note.ts";
import { PartitionTransactions } from "./transaction.ts";

/** Longer restores say how far they are. */
const PROGRESS_EVERY_MS = 2_000;

export interface TakenPartition {
  readonly partition: number;
  readonly transactions: PartitionTransactions;
  /** Next offset the group has not consumed. */
  committed: number;
  /** Next offset to process: beyond the committed one while the processor holds, or after control records. */
  position: number;
  /** The processor has taken records, and has not put out yet what follows from them. */
  holding: boolean;
  /** Put out and not committed yet; the note is of then. */
  pending: (Pending & { readonly note: PositionNote }) | null;
  readonly pace: CommitPace;
  /** When the processor was last told the time. */
  tickedAtMs: number;
  /** End of the partition as last seen. */
  stableOffset: number;
  /** The end that `restore` was told of. */
  readonly restoredEnd: number;
  /** What is committed beside the position. */
  note: PositionNote;
}

/** @param end as known otherwise: the answers of fetches may be older */
export function progressOf(taken: TakenPartition, end: number): PartitionProgress {
  const { partition, committed, position, holding, pending, stableOffset } = taken;
  // What is between a committed record and the position is control records: no lag.
  const lagRecords = Math.max(
    0,
    Math.max(stableOffset, end) - (holding || pending !== null ? committed : position),
  );
  return { partition, committedOffset: committed, lagRecords };
}

/** Those whose topics are not what they were when they were taken over; none while that cannot be told. */
export async function outdated(
  client: KafkaClient,
  topic: string,
  writesTo: string | undefined,
  taken: Iterable<TakenPartition>,
): Promise<readonly number[]> {
  const [now, output] = await Promise.all(
    [topic, writesTo].map(async (name) => (name === undefined ? null : client.topic(name).catch(() => null))),
  );
  return [...taken]
    .filter(
      ({ note }) =>
        (now?.partitionCount ?? note.partitions) !== note.partitions ||
        differs(note.topicId, now?.identity) ||
        differs(note.outputId, output?.identity),
    )
    .map(({ partition }) => partition);
}

export interface TakeoverOptions {
  readonly partition: number;
  readonly topic: string;
  readonly group: string;
  readonly writesTo?: string;
  readonly commitIntervalMs?: number;
  readonly processor: Processor;
  readonly client: KafkaClient;
  /** Opens connections of their own: a long restore must not hold up the partitions that are live. */
  readonly restoreClient: () => KafkaClient;
  readonly connectivity: Connectivity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly role: string;
  readonly compression: Compression;
  readonly signal: AbortSignal;
}

export async function takeOver(options: TakeoverOptions): Promise<TakenPartition> {
  const { partition, topic, group, writesTo, processor, client, connectivity, clock, logger } = options;
  const { role, compression, signal } = options;
  const transactions = await PartitionTransactions.open(
    {
      client,
      connectivity,
      role,
      compression,
      clock,
      transactionalId: transactionalIdOf(topic, writesTo ?? group, partition),
    },
    signal,
  );
  // After the fence: no older writer can move it any more.
  const committed = await committedPosition(
    client,
    connectivity,
    role,
    { group, topic, partition },
    { signal },
  );
  const resumption = resume(committed, await topicsNow(options, committed), clock.now());
  const { position, note, renewed, replaced } = resumption;
  const [start, end] = await bounds(options);
  if (replaced !== null)
    logger.warn(
      "aggregate.topic_replaced",
      `Topic ${topic} was made again (${replaced}): reading it from its start.`,
      {
        topic,
        partition,
        position: committed?.offset ?? null,
      },
    );
  const reading = options.restoreClient();
  await processor
    .restore(partition, history(options, reading, start, Math.min(position, end)), {
      committedOffset: position,
      endOffset: end,
      topicId: note.sequence,
      partitionCount: note.partitions,
      renewed,
    })
    .finally(() => void reading.close());
  connectivity.forget(role);
  return {
    partition,
    transactions,
    committed: position,
    position,
    holding: false,
    pending: null,
    pace: new CommitPace(options.commitIntervalMs ?? 0),
    tickedAtMs: clock.now(),
    stableOffset: end,
    restoredEnd: end,
    note,
  };
}

async function bounds({
  topic,
  partition,
  client,
  connectivity,
  role,
  signal,
}: TakeoverOptions): Promise<[number, number]> {
  return connectivity.persist(role, { what: `restore ${topic}`, signal }, async () =>
    Promise.all([earliestOffset(client, topic, partition), endOffset(client, topic, partition)]),
  );
}

async function topicsNow(options: TakeoverOptions, committed: NotedPosition | null): Promise<TopicsNow> {
  const { topic, partition, writesTo, client, connectivity, role, signal } = options;
  const looked = await connectivity.persist(role, { what: `look up ${topic}`, signal }, async () => {
    const metadata = await client.topic(topic, true);
    if (metadata === null || (metadata.leaders[partition] ?? -1) < 0) throw new UnknownTopic(topic);
    const output = writesTo === undefined ? null : await client.topic(writesTo, true);
    return {
      topicId: metadata.identity,
      partitions: metadata.partitionCount,
      outputId: output?.identity ?? null,
    };
  });
  const [start, end] = await bounds(options);
  const last = committed?.note?.last ?? null;
  const asked = looked.topicId === null && last !== null && last.offset >= start && last.offset < end;
  const lastTimeMs = asked ? await timeAt(options, last.offset) : null;
  return { ...looked, start, end, lastTimeMs };
}

/**
 * Whether the record before the position is another one than it was: then the topic is another too, where brokers have no
 * ids to tell it by. Asked when new records follow a position at which nothing had followed.
 */
export async function isOtherTopic(
  options: TakeoverOptions,
  { note: { topicId, last } }: Pick<TakenPartition, "note">,
): Promise<boolean> {
  if (topicId !== null || last === null) return false;
  let timeMs: number | null;
  try {
    timeMs = await timeAt(options, last.offset);
  } catch (error) {
    // Told to stop meanwhile: what was read is not taken.
    if (error instanceof TopicReplaced || options.signal.aborted) return true;
    throw error;
  }
  return timeMs !== null && timeMs !== last.timeMs;
}

/** Time of the record at `offset`; null when compaction took it. */
async function timeAt(options: TakeoverOptions, offset: number): Promise<number | null> {
  for await (const records of history(options, options.client, offset, offset + 1))
    return records[0]?.timestampMs ?? null;
  return null;
}

/** Fences whoever has the same one (ports.ts, ProcessOptions.writesTo). A colon stands in no topic's name, so no two pipelines share an id. */
export function transactionalIdOf(topic: string, fence: string, partition: number): string {
  return `velostream-${topic}:${fence}:${partition}`;
}

/** The topic was made again while a partition was taken over: it is to be taken over anew. */
export class TopicReplaced extends Error {}

/** Records made at a time while restoring. */
const RESTORE_RECORDS = 5_000;

/** The partition's records from `start` up to, not including, `until`. */
async function* history(
  options: TakeoverOptions,
  client: KafkaClient,
  start: number,
  until: number,
): AsyncGenerator<readonly LogRecord[]> {
  if (start >= until) return;
  const { partition, topic, connectivity, clock, logger, role, signal } = options;
  let replaced = false;
  const fetcher = new Fetcher({
    client,
    connectivity,
    clock,
    logger,
    role: `${role} restore`,
    onReplaced: () => (replaced = true),
  });
  const onAbort = (): void => fetcher.wake();
  signal.addEventListener("abort", onAbort);
  const startedAtMs = clock.now();
  let saidAtMs = startedAtMs;
  let count = 0;
  try {
    fetcher.add(topic, partition, start);
    for (let position = start; position < until;) {
      if (signal.aborted) throw new Error("The restore was stopped.");
      if (replaced) throw new TopicReplaced(`Topic ${topic} was made again while it was read.`);
      for (const fetched of await fetcher.next()) {
        position = fetched.committed.nextOffset;
        for (const chunk of fetched.committed.chunks(RESTORE_RECORDS)) {
          const records = chunk.records.filter((record) => record.offset < until);
          count += records.length;
          if (records.length > 0) yield records;
        }
      }
      if (clock.now() - saidAtMs >= PROGRESS_EVERY_MS) {
        saidAtMs = clock.now();
        logger.info("aggregate.restoring", "Rebuilding a partition's state from the log.", {
          partition,
          percent: Math.floor((100 * (position - start)) / (until - start)),
          records: count,
        });
      }
    }
  } finally {
    signal.removeEventListener("abort", onAbort);
    fetcher.close();
  }
}
