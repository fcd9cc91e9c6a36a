/** What is known of when systems were watched: what is settled, and what is not. Pure. */
/** Records of this stretch are missing: whatever else is told of it, the system was not watched whole. */
export interface Missing {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One stretch of time in which a system was watched without a gap. */
export interface Span {
  readonly system: string;
  readonly epoch: number;
  readonly fromMs: number;
  /** Time of the last record. */
  readonly toMs: number;
  /** How long the system may be silent after `toMs` before that is a gap. */
  readonly patienceMs: number;
}

/** One life of a log: positions and offsets mean something within it only. */
export interface Epoch {
  readonly id: number;
  readonly kind: "kafka" | "memory" | "import";
  /** Topics read, for a Kafka log. */
  readonly topics: string[];
  readonly openedAtMs: number;
  /** Ids of those topics, by name: made again, a topic is another. Absent where they are not known. */
  readonly topicIds?: Readonly<Record<string, string>> | undefined;
}

/** What is not settled of a system in an epoch. */
export interface Unsettled {
  readonly system: string;
  readonly epoch: number;
  readonly settled: Span | null;
  /** Ascending, each once; later than what is settled. */
  readonly timesMs: readonly number[];
  readonly missing: readonly Missing[];
  /** Of each partition with records of it: the time of the last one. Absent where an earlier version did not write it. */
  readonly lanes?: readonly (readonly [lane: number, lastMs: number])[] | undefined;
}

/** What is not settled, without what lies before `fromMs`. */
export function unsettledFrom(unsettled: readonly Unsettled[], fromMs: number): Unsettled[] {
  return unsettled
    .map((one) => ({
      ...one,
      settled: one.settled === null ? null : (spansFrom([one.settled], fromMs)[0] ?? null),
      timesMs: one.timesMs.filter((atMs) => atMs >= fromMs),
    }))
    .filter(({ settled, timesMs }) => settled !== null || timesMs.length > 0);
}

/** The spans without what lies before `fromMs`. */
export function spansFrom(spans: readonly Span[], fromMs: number): Span[] {
  return spans
    .filter(({ toMs }) => toMs >= fromMs)
    .map((span) => ({ ...span, fromMs: Math.max(span.fromMs, fromMs) }));
}
