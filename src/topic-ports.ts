/** What the topics of a pipeline are, and what they are to be (ports.ts, Log). */

/** The topics of a pipeline (docs/contracts.md). */
export interface TopicNames {
  readonly raw: string;
  readonly totals: string;
  readonly rejects: string;
  /** How the feeds are doing; absent where nobody is told, or the topic cannot be had. */
  readonly feeds?: string;
}

export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  /** Nobody asked for this many: a topic that has another number of them is as good. @default false */
  readonly partitionsByDefault?: boolean;
  readonly replicationFactor: number;
  readonly cleanupPolicy: "compact" | "delete";
  /** Only for `delete`; ms. */
  readonly retentionMs?: number;
  /** Other broker-side settings, by Kafka's own names. */
  readonly configs?: Readonly<Record<string, string>>;
  /** A pipeline does without it where it may not be made or looked at. @default false */
  readonly expendable?: boolean;
}

/** What a topic is, beside what was wanted: `differences` is empty when they agree. */
export interface TopicReport {
  readonly topic: string;
  readonly created: boolean;
  readonly partitions: number;
  /** One sentence each, saying what differs and what that costs. */
  readonly differences: readonly string[];
}
