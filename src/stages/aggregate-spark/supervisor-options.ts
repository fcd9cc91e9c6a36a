/** What a supervisor is given, whom it tells, and why it begins anew. */
import type { Clock, Log, Logger, Metrics } from "../../ports.ts";
import type { BatchReport } from "./batch-report.ts";
import type { QueryRecord } from "./query-record.ts";
import type { SparkSession } from "../../spark/session.ts";
import type { QuerySettings } from "./totals-query.ts";

export interface SupervisorOptions extends QuerySettings {
  /** Opens (or takes up again) the session of that id; nothing is sent before the first call. */
  readonly connect: (sessionId: string) => SparkSession;
  readonly log: Log;
  /** The file that remembers the query. */
  readonly recordFile: string;
  /** Folder for checkpoints, as Spark sees it. */
  readonly checkpoints: string;
  /** Without a finished batch or an answer for this long, give up (exit 69). */
  readonly patienceMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly onBatch?: (report: BatchReport) => void;
  /** Told whenever the query is found or started; and why it does not run, until it does again. */
  readonly onRunning?: (query: QueryRecord) => void;
  readonly onInterrupted?: (reason: string) => void;
  /** Somebody else wrote the totals until now: begin anew, so that every area is put out. */
  readonly takeOver?: boolean;
  /** Rejects once the totals are somebody else's: then the query is stopped. */
  readonly confirmOurs?: () => Promise<void>;
}

/** Why a query ends and a new generation begins. */
export class BeginAnew extends Error {
  readonly slotsSeen: number;
  constructor(reason: string, slotsSeen = -1) {
    super(reason);
    this.slotsSeen = slotsSeen;
  }
}
