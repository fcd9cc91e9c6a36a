/** Reads topics without a group, committed records only, from anywhere, to the end or for ever. */
import type { Clock, Logger, LogRecord, MissingRecords, ReadBatch, ReadOptions } from "../../ports.ts";
import type { KafkaClient } from "./client.ts";
import { CHUNK_BYTES } from "./committed-records.ts";
import type { Connectivity } from "./connectivity.ts";
import { Fetcher } from "./fetcher.ts";
import { MissingRecordsFinder } from "./missing-records.ts";
import { endOffsets, startOffsets } from "./offsets.ts";

/** How often a reader that never stops looks for partitions added by hand. */
const NEW_PARTITIONS_EVERY_MS = 5_000;
/** Records of one batch of a reader; one fetched batch of Kafka's may bring more. */
const BATCH_RECORDS = 20_000;

export interface ReaderOptions {
  readonly client: KafkaClient;
  readonly connectivity: Connectivity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly role: string;
}

/** Position and goal of one partition. */
interface Progress {
  position: number;
  end: number;
  readonly finder: MissingRecordsFinder;
}

export async function* readTopics(options: ReaderOptions, read: ReadOptions): AsyncGenerator<ReadBatch> {
  const { client, connectivity, clock, role } = options;
  const signal = read.signal;
  const fetcher = new Fetcher(options);
  const onAbort = (): void => fetcher.wake();
  signal?.addEventListener("abort", onAbort);
  read.finish?.addEventListener("abort", onAbort);
  try {
    const progress = new Map<string, Progress>();
    for (const topic of read.topics) {
      const [starts, ends] = await connectivity.persist(role, { what: `read ${topic}`, signal }, async () =>
        Promise.all([startOffsets(client, topic), endOffsets(client, topic)]),
      );
      for (const [partition, end] of ends) {
        const start = starts.get(partition) ?? 0;
        const given = read.from === "earliest" ? start : read.from === "latest" ? end : undefined;
        const position =
          given ??
          Math.max(start, (read.from as ReadonlyMap<string, number>).get(`${topic}:${partition}`) ?? start);
        const { from } = read;
        const asked = from instanceof Map ? (from.get(`${topic}:${partition}`) ?? 0) : 0;
        const finder = new MissingRecordsFinder(topic, partition, from === "latest" ? position : asked);
        progress.set(`${topic}:${partition}`, { position, end, finder });
        // With an end to reach, a partition that is there already needs no fetch.
        if (read.until !== "end" || position < end) fetcher.add(topic, partition, position);
      }
    }
    let caughtUp = isCaughtUp(progress);
    if (caughtUp) yield { records: [], caughtUp };
    let finishing = read.until === "end";
    let lookedAtMs = clock.now();
    while (signal?.aborted !== true) {
      if (!finishing && read.finish?.aborted === true) {
        finishing = true;
        await moveEnds(options, read, progress, fetcher);
      }
      if (finishing && isCaughtUp(progress)) return;
      let records: LogRecord[] = [];
      let missing: MissingRecords[] = [];
      let bytes = 0;
      for (const { topic, partition, committed } of await fetcher.next()) {
        const state = progress.get(`${topic}:${partition}`);
        if (state === undefined) continue;
        const { finder } = state;
        finder.begin(committed.fetchOffset);
        for (const chunk of committed.chunks(BATCH_RECORDS)) {
          // What was read before is given out before more is unfolded.
          const full =
            bytes + chunk.bytes > CHUNK_BYTES || records.length + chunk.records.length > BATCH_RECORDS;
          if (records.length > 0 && full) {
            yield { records, caughtUp, missing };
            records = [];
            missing = [];
            bytes = 0;
          }
          bytes += chunk.bytes;
          state.position = chunk.nextOffset;
          missing.push(...finder.take(chunk.records, committed.unseen));
          for (const record of chunk.records)
            if (!finishing || record.offset < state.end) records.push(record);
        }
        state.position = committed.nextOffset;
        finder.end(committed.nextOffset, committed.unseen);
        if (finishing && state.position >= state.end) fetcher.remove(topic, partition);
      }
      const reached = !caughtUp && isCaughtUp(progress);
      caughtUp ||= reached;
      if (records.length > 0 || reached) yield { records, caughtUp, missing };
      if (!finishing && clock.now() - lookedAtMs >= NEW_PARTITIONS_EVERY_MS) {
        lookedAtMs = clock.now();
        for (const topic of read.topics) await addNewPartitions(client, topic, progress, fetcher);
      }
    }
  } catch (error) {
    if (signal?.aborted === true) return;
    throw error;
  } finally {
    signal?.removeEventListener("abort", onAbort);
    read.finish?.removeEventListener("abort", onAbort);
    fetcher.close();
    await client.close();
  }
}

function isCaughtUp(progress: ReadonlyMap<string, Progress>): boolean {
  for (const { position, end } of progress.values()) if (position < end) return false;
  return true;
}

/** A drain: the ends as they are now are where the read stops. */
async function moveEnds(
  { client, connectivity, role }: ReaderOptions,
  read: ReadOptions,
  progress: Map<string, Progress>,
  fetcher: Fetcher,
): Promise<void> {
  for (const topic of read.topics) {
    const ends = await connectivity.persist(role, { what: `read ${topic}`, signal: read.signal }, async () =>
      endOffsets(client, topic),
    );
    for (const [partition, end] of ends) {
      const state = progress.get(`${topic}:${partition}`);
      if (state !== undefined) state.end = end;
      // Added since we last looked.
      else addPartition(topic, partition, end, progress, fetcher);
    }
  }
}

/** A partition that was added after the read began is read from its start: all in it is new. */
function addPartition(
  topic: string,
  partition: number,
  end: number,
  progress: Map<string, Progress>,
  fetcher: Fetcher,
): void {
  progress.set(`${topic}:${partition}`, {
    position: 0,
    end,
    finder: new MissingRecordsFinder(topic, partition, 0),
  });
  fetcher.add(topic, partition, 0);
}

async function addNewPartitions(
  client: KafkaClient,
  topic: string,
  progress: Map<string, Progress>,
  fetcher: Fetcher,
): Promise<void> {
  const metadata = await client.topic(topic).catch(() => null);
  for (let partition = 0; partition < (metadata?.partitionCount ?? 0); partition += 1) {
    if (!progress.has(`${topic}:${partition}`)) addPartition(topic, partition, 0, progress, fetcher);
  }
}
