/**
 * A member of a consumer group that runs a processor, exactly once (ports.ts, Log.process).
 *
 *   join ──▶ for each partition won: fence, read the committed position, restore ──▶ live
 *     ▲      for each kept: go on          for each lost: release
 *     └────── told to rejoin, between transactions ◀── live: fetch ──▶ process ──▶ one transaction per partition
 *                                                        └── not committed for sure ──▶ release, confirm, take over again
 */
import type {
  Clock,
  Logger,
  LogRecord,
  Metrics,
  PartitionProgress,
  ProcessHandle,
  ProcessOptions,
  Processor,
  ProduceRecord,
} from "../../ports.ts";
import { answerBlocks } from "./answer-blocks.ts";
import type { Compression } from "./batches.ts";
import type { KafkaClient } from "./client.ts";
import { type Connectivity, orStopped, StoppedWaiting } from "./connectivity.ts";
import { explain, hasKafkaError, isFenced, takenOver } from "./errors.ts";
import { type FetchedPartition, Fetcher } from "./fetcher.ts";
import type { MembershipTimes } from "./membership-times.ts";
import { Membership } from "./membership.ts";
import { takeOver, type TakenPartition } from "./takeover.ts";
import { isTransactionLost } from "./transaction.ts";

/** Records per transaction, at most: bounds what one commit holds up. */
const MAX_RECORDS = 40_000;

export interface WorkerOptions {
  readonly clients: { readonly data: KafkaClient; readonly fetch: KafkaClient; readonly join: KafkaClient };
  readonly restoreClient: () => KafkaClient;
  readonly connectivity: Connectivity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly role: string;
  readonly compression: Compression;
  readonly times: MembershipTimes;
  readonly metrics: Metrics;
  /** Known ends by `topic:partition`: the answers of fetches may be older. */
  readonly ends: ReadonlyMap<string, number>;
}

export class Worker implements ProcessHandle {
  readonly done: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #process: ProcessOptions;
  readonly #processor: Processor;
  readonly #membership: Membership;
  readonly #fetcher: Fetcher;
  readonly #live = new Map<number, TakenPartition>();
  readonly #restoring = new Map<number, { readonly stop: AbortController; readonly done: Promise<void> }>();
  readonly #stop = new AbortController();
  #assigned: readonly number[] = [];
  /** The group has given us a share, maybe an empty one, and has not gone on without us since. */
  #joined = false;
  #failure: unknown = null;

  constructor(options: WorkerOptions, process: ProcessOptions, processor: Processor) {
    const { clients, connectivity, clock, logger, role } = options;
    this.#options = options;
    this.#process = process;
    this.#processor = processor;
    this.#fetcher = new Fetcher({
      client: clients.fetch,
      connectivity,
      clock,
      logger,
      role: `${role} fetch`,
    });
    this.#membership = new Membership({
      ...options.times,
      client: clients.data,
      joinClient: clients.join,
      connectivity,
      clock,
      role: `${role} group`,
      group: process.group,
      topic: process.topic,
      instanceId: process.memberId ?? null,
      onMustJoin: () => this.#fetcher.wake(),
    });
    this.done = this.#run();
    // The caller may look at `done` late; an early failure must not count as unhandled.
    this.done.catch(() => {});
  }

  progress(): readonly PartitionProgress[] {
    const end = (partition: number): number =>
      this.#options.ends.get(`${this.#process.topic}:${partition}`) ?? 0;
    return [...this.#live.values()]
      .map(({ partition, committed, position, holding, stableOffset }) => ({
        partition,
        committedOffset: committed,
        // What is between a committed record and the position is control records: no lag.
        lagRecords: Math.max(0, Math.max(stableOffset, end(partition)) - (holding ? committed : position)),
      }))
      .sort((a, b) => a.partition - b.partition);
  }

  waitingFor(): string | null {
    if (!this.#joined) return `joining the group ${this.#process.group}`;
    return this.#restoring.size === 0
      ? null
      : `restoring partitions ${[...this.#restoring.keys()].join(", ")}`;
  }

  async stop(): Promise<void> {
    this.#abort();
    await this.done;
  }

  #abort(): void {
    this.#stop.abort();
    this.#fetcher.wake();
  }

  async #run(): Promise<void> {
    const onAbort = (): void => this.#abort();
    this.#process.signal?.addEventListener("abort", onAbort);
    if (this.#process.signal?.aborted === true) this.#abort();
    try {
      await this.#loop();
    } catch (error) {
      if (!this.#stop.signal.aborted || !(error instanceof StoppedWaiting)) throw error;
    } finally {
      this.#process.signal?.removeEventListener("abort", onAbort);
      this.#stop.abort();
      await Promise.all([...this.#restoring.keys()].map(async (partition) => this.#release(partition)));
      for (const partition of this.#live.keys()) await this.#release(partition);
      await this.#membership.leave();
      this.#fetcher.close();
      const { data, fetch, join } = this.#options.clients;
      await Promise.all([data.close(), fetch.close(), join.close()]);
    }
  }

  async #loop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      if (this.#failure !== null) throw this.#failure;
      if (this.#membership.failure !== null) throw this.#membership.failure;
      if (this.#membership.mustJoin) await this.#join();
      this.#takeOverMissing();
      const fetched = await this.#fetcher.next();
      // Partitions in parallel, each with its own transaction; all done before the group may move them.
      await Promise.all(fetched.map(async (each) => this.#handle(each)));
      // A processor keeps nothing of the records (ports.ts): their memory may be written over.
      for (const block of new Set(fetched.map((each) => each.block))) answerBlocks.giveBack(block);
    }
  }

  async #join(): Promise<void> {
    const { logger, clock, metrics } = this.#options;
    if (this.#membership.takeLost()) await this.#releaseAll();
    const startedAtMs = clock.now();
    const join = this.#membership.join([...this.#live.keys()], this.#stop.signal);
    // The coordinator may hold a join for a minute; a worker told to stop does not wait for it.
    this.#assigned = await orStopped(join, "join the group", this.#stop.signal);
    if (this.#membership.takeLost()) await this.#releaseAll();
    this.#joined = true;
    const assigned = new Set(this.#assigned);
    const lost = [...this.#live.keys(), ...this.#restoring.keys()].filter(
      (partition) => !assigned.has(partition),
    );
    for (const partition of lost) await this.#release(partition);
    const kept = this.#assigned.filter((partition) => this.#live.has(partition)).length;
    metrics.count("velostream_kafka_rebalances_total", {});
    logger.info("aggregate.assigned", "The group shared the partitions.", {
      group: this.#process.group,
      partitions: this.#assigned,
      kept,
      won: this.#assigned.length - kept,
      lost: lost.length,
      durationMs: clock.now() - startedAtMs,
    });
  }

  /** Starts taking over every partition that is ours and neither live nor on its way. */
  #takeOverMissing(): void {
    for (const partition of this.#assigned) {
      if (this.#live.has(partition) || this.#restoring.has(partition)) continue;
      const stop = new AbortController();
      this.#restoring.set(partition, { stop, done: this.#takeOver(partition, stop) });
    }
  }

  async #takeOver(partition: number, stop: AbortController): Promise<void> {
    const { clients, role } = this.#options;
    try {
      const taken = await takeOver({
        ...this.#options,
        ...this.#process,
        partition,
        processor: this.#processor,
        client: clients.data,
        role: `${role} partition ${partition}`,
        signal: stop.signal,
      });
      if (stop.signal.aborted) return;
      this.#restoring.delete(partition);
      this.#live.set(partition, taken);
      this.#fetcher.add(this.#process.topic, partition, taken.position);
    } catch (error) {
      if (stop.signal.aborted) return;
      this.#restoring.delete(partition);
      this.#failure = error;
      this.#fetcher.wake();
    }
  }

  async #handle({ partition, committed, stableOffset }: FetchedPartition): Promise<void> {
    const taken = this.#live.get(partition);
    if (taken === undefined) return;
    taken.stableOffset = stableOffset;
    for (const { records, nextOffset } of committed.chunks(MAX_RECORDS)) {
      if (!(await this.#processChunk(taken, records, nextOffset))) return;
    }
    // What is left of the backlog holds no record: the processor need not wait for one.
    const atEnd = taken.holding && committed.nextOffset >= taken.restoredEnd;
    if (atEnd && !(await this.#processChunk(taken, [], committed.nextOffset))) return;
    // Control records and aborted ones need no commit: they are skipped again after a restart.
    taken.position = committed.nextOffset;
  }

  /** @returns false when the partition had to be given up */
  async #processChunk(taken: TakenPartition, records: readonly LogRecord[], next: number): Promise<boolean> {
    const outputs = this.#processor.process(taken.partition, records);
    taken.holding = outputs === null;
    if (outputs !== null && !(await this.#commit(taken, outputs, next))) return false;
    taken.position = next;
    return true;
  }

  async #commit(taken: TakenPartition, outputs: readonly ProduceRecord[], next: number): Promise<boolean> {
    const { clock, metrics } = this.#options;
    const { partition } = taken;
    const startedAtMs = clock.now();
    const consumed = { topic: this.#process.topic, partition, nextOffset: next };
    try {
      await taken.transactions.commit(outputs, consumed, this.#membership.generation);
    } catch (error) {
      if (!isTransactionLost(error)) throw error;
      await this.#giveUp(partition, error);
      return false;
    }
    taken.committed = next;
    metrics.count("velostream_kafka_transactions_total", { outcome: "committed" });
    metrics.observe("velostream_kafka_transaction_duration_seconds", {}, (clock.now() - startedAtMs) / 1000);
    return true;
  }

  /** The transaction's outcome is unknown, or another worker fenced us: whose is the partition now? */
  async #giveUp(partition: number, error: unknown): Promise<void> {
    const { logger, metrics, connectivity, role } = this.#options;
    metrics.count("velostream_kafka_transactions_total", { outcome: "lost" });
    const lost = { partition, reason: explain(error) };
    const said = "A transaction did not commit here; restoring the partition.";
    // While Kafka is away, that has been said already, once for all partitions.
    logger[connectivity.health().ok ? "warn" : "debug"]("aggregate.transaction_lost", said, lost);
    await this.#release(partition);
    // Fencing whoever took over from us would only move the quarrel: the group says who is to have it.
    try {
      await connectivity.persist(
        `${role} confirm`,
        { what: `ask the group ${this.#process.group}`, signal: this.#stop.signal },
        async () => this.#membership.confirm(),
      );
    } catch (asked) {
      throw hasKafkaError(asked, "FENCED_INSTANCE_ID")
        ? takenOver(this.#process.memberId ?? null, asked)
        : asked;
    }
    // Still a member: then a writer of another group is at work, or Kafka has only ended a slow transaction.
    if (isFenced(error) && !this.#membership.mustJoin) await this.#process.onFenced?.();
  }

  async #releaseAll(): Promise<void> {
    this.#joined = false;
    const held = [...this.#live.keys(), ...this.#restoring.keys()];
    const reason = "The group went on without this worker: joining again, without its partitions.";
    if (held.length > 0) this.#options.logger.warn("aggregate.lost", reason);
    for (const partition of held) await this.#release(partition);
  }

  async #release(partition: number): Promise<void> {
    const restoring = this.#restoring.get(partition);
    if (restoring !== undefined) {
      this.#restoring.delete(partition);
      restoring.stop.abort();
      await restoring.done;
    }
    this.#fetcher.remove(this.#process.topic, partition);
    const wasLive = this.#live.delete(partition);
    if (restoring !== undefined || wasLive) this.#processor.release(partition);
  }
}
