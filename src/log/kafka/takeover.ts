/**
 * Taking a partition over: fence whoever wrote for it before, read where the group stands, rebuild the state.
 *
 *   InitProducerId (fences, aborts) ──▶ committed position ──▶ history [start, committed) to the processor ──▶ live
 */
import type { Clock, Logger, LogRecord, Processor } from "../../ports.ts";
import type { Compression } from "./batches.ts";
import type { KafkaClient } from "./client.ts";
import { committedPosition } from "./committed-position.ts";
import type { Connectivity } from "./connectivity.ts";
import { Fetcher } from "./fetcher.ts";
import { earliestOffset, endOffset } from "./offsets.ts";
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
  /** The processor has taken records that are not committed yet. */
  holding: boolean;
  /** End of the partition as last seen. */
  stableOffset: number;
  /** The end that `restore` was told of. */
  readonly restoredEnd: number;
}

export interface TakeoverOptions {
  readonly partition: number;
  readonly topic: string;
  readonly group: string;
  readonly writesTo?: string;
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
  const { partition, topic, group, writesTo, processor, client, connectivity, role, compression, signal } =
    options;
  const transactions = await PartitionTransactions.open(
    {
      client,
      connectivity,
      role,
      compression,
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
  const [start, end] = await connectivity.persist(role, { what: `restore ${topic}`, signal }, async () =>
    Promise.all([earliestOffset(client, topic, partition), endOffset(client, topic, partition)]),
  );
  const position = Math.max(committed ?? start, start);
  await processor.restore(partition, history(options, start, Math.min(position, end)), {
    committedOffset: position,
    endOffset: end,
  });
  connectivity.forget(role);
  return {
    partition,
    transactions,
    committed: position,
    position,
    holding: false,
    stableOffset: end,
    restoredEnd: end,
  };
}

/** Fences whoever has the same one (ports.ts, ProcessOptions.writesTo). A colon stands in no topic's name, so no two pipelines share an id. */
export function transactionalIdOf(topic: string, fence: string, partition: number): string {
  return `velostream-${topic}:${fence}:${partition}`;
}

/** Records made at a time while restoring. */
const RESTORE_RECORDS = 5_000;

/** The partition's records from `start` up to, not including, `until`. */
async function* history(
  options: TakeoverOptions,
  start: number,
  until: number,
): AsyncGenerator<readonly LogRecord[]> {
  if (start >= until) return;
  const { partition, topic, restoreClient, connectivity, clock, logger, role, signal } = options;
  const client = restoreClient();
  const fetcher = new Fetcher({ client, connectivity, clock, logger, role: `${role} restore` });
  const onAbort = (): void => fetcher.wake();
  signal.addEventListener("abort", onAbort);
  const startedAtMs = clock.now();
  let saidAtMs = startedAtMs;
  let count = 0;
  try {
    fetcher.add(topic, partition, start);
    for (let position = start; position < until;) {
      if (signal.aborted) throw new Error("The restore was stopped.");
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
    await client.close();
  }
}
