/**
 * The aggregate stage: keeps the latest observation of each station, and puts out the totals of every area that changes.
 *
 *   open: are the totals ours? ─▶ joined ─▶ restore, process ─▶ …
 *                                    └─ every 5 s: somebody took them over ─▶ leaves, the session ends with the reason
 */
import { readVelibReference } from "../../velib/reference-record.ts";
import type {
  HealthState,
  LogRecord,
  PartitionProgress,
  ProcessHandle,
  ProcessOptions,
  Processor,
  ProduceRecord,
  RestoreRange,
} from "../../ports.ts";
import type { ProcessorStage, StageContext } from "../stage.ts";
import { AGGREGATE_METRICS } from "./metrics.ts";
import { AGGREGATE_OPTIONS } from "./options.ts";
import { readPublishedAreas } from "./published-areas.ts";
import { aggregateProcessor } from "./totals-processor.ts";
import { claimTotals, TotalsWatch } from "./totals-ownership.ts";
import { WorkerHealth } from "./worker-health.ts";

const LAG_EVERY_MS = 1_000;

/** The stage's rows of the table of options, settled. */
export interface AggregateSettings {
  readonly group: string;
  readonly "take-over": boolean;
  readonly "member-id": string | null;
  /** Milliseconds. */
  readonly "commit-interval": number;
  /** Where the log does not say how many there are. */
  readonly partitions: number;
}

interface Opened {
  readonly context: StageContext;
  readonly processor: Processor;
  readonly watch: TotalsWatch;
}

export class AggregateStage implements ProcessorStage {
  readonly kind = "processor";
  readonly name = "aggregate";
  readonly options = AGGREGATE_OPTIONS;
  readonly metrics = AGGREGATE_METRICS;
  readonly checkName = "worker";
  readonly reads = "raw";
  readonly #settings: AggregateSettings;
  #opened: Opened | null = null;
  #worker: { readonly member: ProcessHandle; readonly health: WorkerHealth } | null = null;
  readonly #left = new AbortController();
  #taken = 0;

  constructor(settings: AggregateSettings) {
    this.#settings = settings;
  }

  /** @throws LogError when the totals are somebody else's and `--take-over` was not given */
  async open(context: StageContext): Promise<void> {
    const { log, topics, clock, logger, metrics } = context;
    const { group, partitions } = this.#settings;
    const ownership = { log, totalsTopic: topics.totals, engine: "node", group, clock, logger } as const;
    const claimed = await claimTotals(ownership, this.#settings["take-over"]);
    const processor = aggregateProcessor({
      topics,
      readReference: readVelibReference,
      partitionCount: (await log.partitionCount(topics.raw)) ?? partitions,
      writer: claimed.writer,
      takeOver: claimed.takenOver,
      publishedAreas: (place) => readPublishedAreas(log, topics, place),
      clock,
      logger,
      metrics,
    });
    this.#opened = { context, processor, watch: new TotalsWatch(ownership, claimed) };
  }

  membership(): Omit<ProcessOptions, "topic"> {
    const { context, watch } = this.#ready();
    const memberId = this.#settings["member-id"];
    return {
      group: this.#settings.group,
      commitIntervalMs: this.#settings["commit-interval"],
      writesTo: context.topics.totals,
      onFenced: async () => watch.look(),
      ...(memberId === null ? {} : { memberId }),
    };
  }

  joined(member: ProcessHandle): void {
    const { context, watch } = this.#ready();
    const health = new WorkerHealth(member);
    this.#worker = { member, health };
    void reportLag(member, health, context, this.#left.signal);
    void member.done.catch(() => {}).then(() => this.#left.abort());
    // In memory nobody else can write.
    if (context.log.kind === "memory") return;
    void watch.run(this.#left.signal).catch((error: unknown) => {
      context.fail(error);
      void member.stop().catch(() => {});
    });
  }

  async restore(
    partition: number,
    history: AsyncIterable<readonly LogRecord[]>,
    range: RestoreRange,
  ): Promise<void> {
    await this.#ready().processor.restore(partition, history, range);
  }

  process(partition: number, records: readonly LogRecord[]): ProduceRecord[] | null {
    this.#taken += records.length;
    return this.#ready().processor.process(partition, records);
  }

  caughtUp(partition: number): ProduceRecord[] {
    return this.#ready().processor.caughtUp?.(partition) ?? [];
  }

  committed(partition: number): void {
    this.#ready().processor.committed?.(partition);
  }

  refused(record: ProduceRecord, why: string): ProduceRecord | null {
    return this.#ready().processor.refused?.(record, why) ?? null;
  }

  release(partition: number): void {
    this.#ready().processor.release(partition);
  }

  health(): HealthState {
    if (this.#opened === null || this.#worker === null)
      return { ok: false, reason: "The worker is starting." };
    return this.#worker.health.state(this.#opened.context.clock.now());
  }

  /** Partitions now held, with their progress. */
  progress(): readonly PartitionProgress[] {
    return this.#worker?.member.progress() ?? [];
  }

  /** What it does before it can work, for people; null when at work. */
  waitingFor(): string | null {
    return this.#worker === null ? "starting" : this.#worker.member.waitingFor();
  }

  /** Raw records taken since it started. */
  recordsTaken(): number {
    return this.#taken;
  }

  drain(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#left.abort();
    return Promise.resolve();
  }

  #ready(): Opened {
    if (this.#opened === null) throw new Error("the aggregate was never opened");
    return this.#opened;
  }
}

/** Tells `health` of the partitions held, sets their lag gauges, and drops those taken away, until `signal` aborts. */
async function reportLag(
  member: ProcessHandle,
  health: WorkerHealth,
  { clock, metrics }: StageContext,
  signal: AbortSignal,
): Promise<void> {
  let reported = new Set<number>();
  while (!signal.aborted) {
    const now = new Set<number>();
    const progress = member.progress();
    health.observe(progress, clock.now());
    for (const { partition, lagRecords } of progress) {
      now.add(partition);
      metrics.set("velostream_aggregate_lag_records", { partition }, lagRecords);
    }
    for (const partition of reported)
      if (!now.has(partition)) metrics.forget("velostream_aggregate_lag_records", { partition });
    reported = now;
    await clock.sleep(LAG_EVERY_MS, signal);
  }
}
