/** The stage of aggregating on Spark: supervises the totals query there; a query that is nobody's is ended. */
import { encodeWriter } from "../../record/totals-writer.ts";
import type { HealthState } from "../../ports.ts";
import { claimTotals, TotalsWatch, type Claimed } from "../aggregate/totals-ownership.ts";
import type { Runner, StageContext } from "../stage.ts";
import type { BatchReport } from "./batch-report.ts";
import { SPARK_METRICS } from "./metrics.ts";
import { SPARK_OPTIONS } from "./options.ts";
import type { QueryRecord } from "./query-record.ts";
import { releaseKept } from "./release-kept.ts";
import { SparkStatus } from "./spark-status.ts";
import { superviseTotals } from "./supervisor.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";

/** What the settings say; the rest is the session's. */
export type SparkSupervision = Pick<
  SupervisorOptions,
  | "connect"
  | "kafka"
  | "trigger"
  | "compression"
  | "shufflePartitions"
  | "checkpoints"
  | "recordFile"
  | "patienceMs"
>;

export type SparkEvent =
  | { readonly event: "interrupted"; readonly reason: string }
  | ({ readonly event: "running" } & Pick<QueryRecord, "slots" | "runId">)
  | ({ readonly event: "batch" } & BatchReport);

export interface AggregateSparkOptions {
  /** Where Spark is, for people. */
  readonly label: string;
  readonly group: string;
  readonly takeOver: boolean;
  readonly supervision: SparkSupervision;
  /** Told what becomes of the query. */
  readonly onEvent: (event: SparkEvent) => void;
}

export class AggregateSparkStage implements Runner {
  readonly kind = "runner";
  readonly name = "aggregate-spark";
  readonly options = SPARK_OPTIONS;
  readonly metrics = SPARK_METRICS;
  readonly checkName = "spark";
  readonly status: SparkStatus;
  readonly #options: AggregateSparkOptions;
  #opened: {
    readonly context: StageContext;
    readonly claimed: Claimed;
    readonly watch: TotalsWatch;
  } | null = null;

  constructor(options: AggregateSparkOptions) {
    this.#options = options;
    this.status = new SparkStatus(options.label);
  }

  /** @throws LogError when the totals are somebody else's */
  async open(context: StageContext): Promise<void> {
    const { log, topics, clock, logger } = context;
    const { group, takeOver, supervision } = this.#options;
    const ownership = { log, totalsTopic: topics.totals, engine: "spark", group, clock, logger } as const;
    const claimed = await claimTotals(ownership, takeOver).catch(async (error: unknown) => {
      await releaseKept(supervision);
      throw error;
    });
    this.#opened = { context, claimed, watch: new TotalsWatch(ownership, claimed) };
  }

  async run(stop: AbortSignal): Promise<void> {
    if (this.#opened === null) throw new Error("the supervisor was never opened");
    const { context, claimed, watch } = this.#opened;
    const { supervision, onEvent } = this.#options;
    await superviseTotals(
      {
        ...supervision,
        ...context,
        writer: encodeWriter(claimed.writer),
        takeOver: claimed.takenOver,
        confirmOurs: async () => watch.look(),
        onInterrupted: (reason) => {
          this.status.interrupted(reason);
          onEvent({ event: "interrupted", reason });
        },
        onRunning: ({ slots, runId }) => {
          this.status.running(slots);
          onEvent({ event: "running", slots, runId });
        },
        onBatch: (report) => {
          this.status.batch(report);
          onEvent({ event: "batch", ...report });
        },
      },
      stop,
    );
  }

  health(): HealthState {
    return this.status.health();
  }

  drain(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
