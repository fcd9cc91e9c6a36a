/** The streaming query as it is put to Spark: its settings, its views, its start. */
import type { TopicNames } from "../../ports.ts";
import { OBSERVATION, observationsSql, OBSERVATIONS_VIEW, OBSERVED, RAW_VIEW, totalsSql } from "./plan.ts";
import type { QueryRecord } from "./query-record.ts";
import { requireRealTime } from "./real-time.ts";
import { observed, read, type SourceOptions, sql } from "../../spark/relations.ts";
import type { QueryStart, SparkSession } from "../../spark/session.ts";
import type { StreamingQuery } from "../../spark/streaming-query.ts";

export const TOTALS_SCHEMA = "velostream.totals.v1";

export interface QuerySettings {
  readonly topics: TopicNames;
  /** How Spark reaches Kafka, by Kafka's own names behind `kafka.`. */
  readonly kafka: SourceOptions;
  readonly trigger: QueryStart["trigger"];
  /** Of the totals, by Kafka's names. */
  readonly compression: string;
  /** The header `writer` of the totals. */
  readonly writer: string;
  /** Tasks of the aggregate; fixed by the checkpoint. */
  readonly shufflePartitions: number;
}

export function queryName({ generation }: Pick<QueryRecord, "generation">): string {
  return `velostream-${generation}`;
}

/** The session's settings; the first call of a session, so it also opens it. */
export async function configureSession(session: SparkSession, settings: QuerySettings): Promise<void> {
  if (settings.trigger.kind === "real-time") requireRealTime(session.address, await session.version());
  await session.configure({
    "spark.sql.shuffle.partitions": String(settings.shufflePartitions),
    // There is no watermark for an empty batch to move.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
    // One column a slot makes code that Java compiles for seconds, every batch anew (docs/decisions/0020): interpret.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    // JSON times and counts mean the same wherever the cluster stands.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "false",
  });
}

/** Starts the query of `record` from its checkpoint, or from the start of the topic where that is new. */
export async function startTotalsQuery(
  session: SparkSession,
  settings: QuerySettings,
  record: QueryRecord,
): Promise<StreamingQuery> {
  await session.createView(
    RAW_VIEW,
    read(
      "kafka",
      {
        ...settings.kafka,
        "kafka.isolation.level": "read_committed",
        subscribe: settings.topics.raw,
        startingOffsets: "earliest",
      },
      true,
    ),
  );
  await session.createView(OBSERVATIONS_VIEW, observed(sql(observationsSql()), OBSERVATION, OBSERVED));
  return session.start({
    input: sql(
      totalsSql({
        slots: record.slots,
        partitions: record.partitions,
        floors: record.floors,
        schema: TOTALS_SCHEMA,
        writer: settings.writer,
      }),
    ),
    name: queryName(record),
    format: "kafka",
    options: {
      ...settings.kafka,
      "kafka.compression.type": settings.compression,
      topic: settings.topics.totals,
      checkpointLocation: record.checkpoint,
    },
    outputMode: "update",
    trigger: settings.trigger,
  });
}
