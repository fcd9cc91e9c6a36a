/** The topics as velostream wants them (docs/contracts.md); used by `run`, `collect` and `topics create`. */
import type { TopicNames, TopicSpec } from "../ports.ts";

/** Rejects are for looking at, not for keeping: a week. */
const REJECTS_RETENTION_MS = 7 * 86_400_000;
/**
 * A record may be superseded by one that an aggregate worker has not processed yet; compaction keeps both this long,
 * so that a worker which is down for less restores exactly the state it had (docs/decisions/0002).
 */
const MIN_COMPACTION_LAG_MS = 3_600_000;

export function topicSpecs(
  names: TopicNames,
  options: Pick<TopicSpec, "partitions" | "partitionsByDefault" | "replicationFactor">,
): readonly TopicSpec[] {
  return [
    {
      topic: names.raw,
      ...options,
      cleanupPolicy: "compact",
      configs: { "min.compaction.lag.ms": String(MIN_COMPACTION_LAG_MS) },
    },
    { topic: names.totals, ...options, cleanupPolicy: "compact" },
    { topic: names.rejects, ...options, cleanupPolicy: "delete", retentionMs: REJECTS_RETENTION_MS },
    ...(names.feeds === undefined ? [] : [feedsSpec(names.feeds, options.replicationFactor)]),
  ];
}

/** A record a feed and minute: one partition does. */
function feedsSpec(topic: string, replicationFactor: number): TopicSpec {
  return {
    topic,
    partitions: 1,
    partitionsByDefault: true,
    replicationFactor,
    cleanupPolicy: "compact",
    expendable: true,
  };
}
