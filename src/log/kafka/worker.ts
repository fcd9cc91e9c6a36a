/**
 * A member of a consumer group that runs a processor, exactly once (ports.ts, Log.process).
 *
 *   join ──▶ for each partition won: fence, read the committed position, restore ──▶ live
 *     ▲      for each kept: go on          for each lost: release
 *     └── told to rejoin: all pending is committed ◀── live: fetch ──▶ process ──▶ pending ──due──▶ one transaction per partition
 *                                                                      └── not committed for sure ──▶ release, confirm, take over again
 */
import type { LogRecord, PartitionProgress, ProcessHandle, ProcessOptions, Processor } from "../../ports.ts";
import { answerBlocks } from "./answer-blocks.ts";
import { orStopped, StoppedWaiting } from "./connectivity.ts";
import { explain, hasKafkaError, isFenced, takenOver } from "./errors.ts";
import { type FetchedPartition, Fetcher } from "./fetcher.ts";
import type { Membership } from "./membership.ts";
import { MAX_RECORDS, PendingCommits } from "./pending-commits.ts";
import { replaceRefused } from "./refused-records.ts";
import type { TakenPartition, TakeoverOptions } from "./takeover.ts";
import { isOtherTopic, outdated, progressOf, takeOver, TopicReplaced } from "./takeover.ts";
import { membershipOf, type WorkerOptions } from "./worker-options.ts";

/** How often a worker looks whether its topics are as they were: as often as the client asks the cluster. */
const LOOK_EVERY_MS = 5_000;

export class Worker implements ProcessHandle {
  readonly done: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #process: ProcessOptions;
  readonly #processor: Processor;
  readonly #commits: PendingCommits;
  readonly #membership: Membership;
  readonly #fetcher: Fetcher;
  readonly #live = new Map<number, TakenPartition>();
  readonly #restoring = new Map<number, { readonly stop: AbortController; readonly done: Promise<void> }>();
  readonly #stop = new AbortController();
  /** Partitions that are to be taken over again: their topic is another, or shared otherwise. */
  readonly #outdated = new Set<number>();
  #lookedAtMs = 0;
  #assigned: readonly number[] = [];
  /** The group has given us a share, maybe an empty one, and has not gone on without us since. */
  #joined = false;
  #failure: unknown = null;

  constructor(options: WorkerOptions, process: ProcessOptions, processor: Processor) {
    const { clients, connectivity, clock, logger, role } = options;
    this.#options = options;
    this.#process = process;
    this.#processor = processor;
    this.#commits = new PendingCommits({
      ...options,
      topic: process.topic,
      processor,
      replace: replaceRefused(options, processor),
      generation: () => this.#membership.generation,
      onLost: async (partition, error) => this.#giveUp(partition, error),
    });
    this.#fetcher = new Fetcher({
      client: clients.fetch,
      connectivity,
      clock,
      logger,
      role: `${role} fetch`,
      onReplaced: (_topic, partition) => this.#outdated.add(partition),
    });
    this.#membership = membershipOf(options, process, () => this.#fetcher.wake());
    this.done = this.#run();
    // The caller may look at `done` late; an early failure must not count as unhandled.
    this.done.catch(() => {});
  }

  progress(): readonly PartitionProgress[] {
    const end = (partition: number): number =>
      this.#options.ends.get(`${this.#process.topic}:${partition}`) ?? 0;
    return [...this.#live.values()]
      .map((taken) => progressOf(taken, end(taken.partition)))
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
      // While Kafka is away that would take long, and whoever goes on from the position puts it out.
      if (this.#options.connectivity.health().ok) await this.#commits.commitAll(this.#live.values());
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
      await this.#look();
      this.#takeOverMissing();
      const fetched = await this.#nextOrDue();
      // Partitions in parallel, each with its own transaction; all done before the group may move them.
      await Promise.all(fetched.map(async (each) => this.#handle(each)));
      await Promise.all([...this.#live.values()].map(async (taken) => this.#commits.tend(taken)));
      // A processor keeps nothing of the records (ports.ts): their memory may be written over.
      for (const block of new Set(fetched.map((each) => each.block))) answerBlocks.giveBack(block);
    }
  }

  /** What was fetched; nothing when something is due by time before that. */
  async #nextOrDue(): Promise<readonly FetchedPartition[]> {
    const dueMs = this.#commits.nextDueMs(this.#live.values());
    if (dueMs === null) return this.#fetcher.next();
    const fetched = new AbortController();
    void this.#wakeIn(dueMs - this.#options.clock.now(), fetched.signal);
    try {
      return await this.#fetcher.next();
    } finally {
      fetched.abort();
    }
  }

  async #wakeIn(durationMs: number, signal: AbortSignal): Promise<void> {
    await this.#options.clock.sleep(Math.max(0, durationMs), signal);
    if (!signal.aborted) this.#fetcher.wake();
  }

  /** Gives up, to take over again, what belongs to topics that are not as they were (position-note.ts). */
  async #look(): Promise<void> {
    const { clock, clients } = this.#options;
    if (clock.now() - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#lookedAtMs = clock.now();
      const { topic, writesTo } = this.#process;
      for (const partition of await outdated(clients.data, topic, writesTo, this.#live.values()))
        this.#outdated.add(partition);
    }
    for (const partition of this.#outdated) await this.#release(partition);
    this.#outdated.clear();
  }

  async #join(): Promise<void> {
    const { logger, clock, metrics } = this.#options;
    if (this.#membership.takeLost()) await this.#releaseAll();
    // Whoever gets a partition goes on from what is committed.
    await this.#commits.commitAll(this.#live.values());
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

  #takeoverOptions(partition: number, signal: AbortSignal): TakeoverOptions {
    const { clients, role } = this.#options;
    const own = { processor: this.#processor, client: clients.data, role: `${role} partition ${partition}` };
    return { ...this.#options, ...this.#process, ...own, partition, signal };
  }

  async #takeOver(partition: number, stop: AbortController): Promise<void> {
    try {
      const taken = await takeOver(this.#takeoverOptions(partition, stop.signal));
      if (stop.signal.aborted) return;
      this.#restoring.delete(partition);
      this.#live.set(partition, taken);
      this.#fetcher.add(this.#process.topic, partition, taken.position);
    } catch (error) {
      if (stop.signal.aborted) return;
      this.#restoring.delete(partition);
      if (error instanceof TopicReplaced) this.#processor.release(partition);
      else this.#failure = error;
      this.#fetcher.wake();
    }
  }

  async #handle({ partition, committed, stableOffset }: FetchedPartition): Promise<void> {
    const taken = this.#live.get(partition);
    if (taken === undefined) return;
    const follows = committed.nextOffset > taken.position && taken.position >= taken.stableOffset;
    taken.stableOffset = stableOffset;
    if (follows && (await isOtherTopic(this.#takeoverOptions(partition, this.#stop.signal), taken))) {
      this.#outdated.add(partition);
      return;
    }
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
    const last = records.at(-1);
    if (last !== undefined)
      taken.note = { ...taken.note, last: { offset: last.offset, timeMs: last.timestampMs } };
    taken.position = next;
    if (outputs === null) return true;
    this.#commits.put(taken, outputs, records.length);
    return this.#commits.commitDue(taken);
  }

  /** The transaction's outcome is unknown, or another worker fenced us: whose is the partition now? */
  async #giveUp(partition: number, error: unknown): Promise<void> {
    const { logger, connectivity, role } = this.#options;
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
