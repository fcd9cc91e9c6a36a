/** The relations a streaming client builds: each function returns a plain message, as the protocol names it. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { RelationSchema } from "./gen/connect_pb.ts";

export type Relation = MessageInitShape<typeof RelationSchema>;
export type SourceOptions = Readonly<Record<string, string>>;

/** Reads a data source, as a stream or as it is now. */
export function read(format: string, options: SourceOptions, streaming: boolean): Relation {
  return {
    relType: {
      case: "read",
      value: {
        isStreaming: streaming,
        readType: { case: "dataSource", value: { format, options: { ...options } } },
      },
    },
  };
}

/** A query over views and tables; over a streaming view it is a stream. */
export function sql(query: string): Relation {
  return { relType: { case: "sql", value: { query } } };
}

export function limit(input: Relation, rows: number): Relation {
  return { relType: { case: "limit", value: { input, limit: rows } } };
}

/** Lets an event-time column run late by at most `delay`, e.g. `10 seconds`. */
export function withWatermark(input: Relation, eventTime: string, delay: string): Relation {
  return { relType: { case: "withWatermark", value: { input, eventTime, delayThreshold: delay } } };
}

/** Passes `input` on, and reports aggregates of it in each batch's progress, under `name`. */
export function observed(input: Relation, name: string, aggregates: readonly string[]): Relation {
  return {
    relType: {
      case: "collectMetrics",
      value: {
        input,
        name,
        metrics: aggregates.map((expression) => ({
          exprType: { case: "expressionString", value: { expression } },
        })),
      },
    },
  };
}
