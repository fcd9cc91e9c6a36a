/** Reads topics without a group, committed records only, from anywhere, to the end or for ever. */
import type { Clock, Logger, LogRecord, MissingRecords, ReadBatch, ReadOptions } from "../../ports.ts";
import type { KafkaClient } from "./client.ts";
import { CHUNK_BYTES } from "./committed-records.ts";
import type { Connectivity } from "./connectivity.ts";
import { Fetcher } from "./fetcher.ts";
import { ReadProgress } from "./read-progress.ts";

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

export async function* readTopics(options: ReaderOptions, read: ReadOptions): AsyncGenerator<ReadBatch> {
  const { client, clock, logger } = options;
  const signal = read.signal;
  const fetcher = new Fetcher({
    ...options,
    onReplaced: (topic, partition) => progress.lose(topic, partition),
  });
  const progress = new ReadProgress({ ...options, read, fetcher });
  const onAbort = (): void => fetcher.wake();
  signal?.addEventListener("abort", onAbort);
  read.finish?.addEventListener("abort", onAbort);
  try {
    let replaced = await progress.begin();
    let { topicIds } = progress;
    let caughtUp = progress.isCaughtUp;
    if (caughtUp || replaced.length > 0) yield { records: [], caughtUp, topicIds, replaced };
    let finishing = read.until === "end";
    let lookedAtMs = clock.now();
    while (signal?.aborted !== true) {
      if (!finishing && read.finish?.aborted === true) {
        finishing = true;
        await progress.moveEnds();
      }
      replaced = await progress.settle();
      if (replaced.length > 0) {
        const said = "A topic was made again: reading it from its start.";
        for (const topic of replaced) logger.warn("kafka.topic_replaced", said, { topic });
        ({ topicIds } = progress);
        caughtUp = progress.isCaughtUp;
        yield { records: [], caughtUp, topicIds, replaced };
      }
      if (finishing && progress.isCaughtUp) return;
      let records: LogRecord[] = [];
      let missing: MissingRecords[] = [];
      let bytes = 0;
      for (const { topic, partition, committed } of await fetcher.next()) {
        const state = progress.of(topic, partition);
        if (state === undefined) continue;
        const { finder } = state;
        finder.begin(committed.fetchOffset);
        for (const chunk of committed.chunks(BATCH_RECORDS)) {
          // What was read before is given out before more is unfolded.
          const full =
            bytes + chunk.bytes > CHUNK_BYTES || records.length + chunk.records.length > BATCH_RECORDS;
          if (records.length > 0 && full) {
            yield { records, caughtUp, missing, topicIds };
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
      const reached = !caughtUp && progress.isCaughtUp;
      caughtUp ||= reached;
      if (records.length > 0 || reached) yield { records, caughtUp, missing, topicIds };
      if (!finishing && clock.now() - lookedAtMs >= NEW_PARTITIONS_EVERY_MS) {
        lookedAtMs = clock.now();
        await progress.addNewPartitions();
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
