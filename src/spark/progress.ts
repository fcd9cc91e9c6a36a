/** What one micro-batch did, as Spark reports it (org.apache.spark.sql.streaming.StreamingQueryProgress, as JSON). */

export interface Progress {
  readonly batchId: number;
  readonly timestampMs: number;
  /** Of the whole trigger, ms. */
  readonly durationMs: number;
  readonly stateRows: number;
  readonly stateBytes: number;
  /** Next offset to read of each partition of the first Kafka source, once this batch is done. */
  readonly endOffsets: ReadonlyMap<number, number>;
  /** The ends of the partitions as Spark last saw them. */
  readonly latestOffsets: ReadonlyMap<number, number>;
  readonly outputRows: number | null;
  /** Observed aggregates by the observation's name. */
  readonly observed: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Reads one progress report; null when it is not one. Never throws. */
export function readProgress(json: string): Progress | null {
  let report: Report;
  try {
    report = JSON.parse(json) as Report;
  } catch {
    return null;
  }
  if (typeof report !== "object" || report === null || typeof report.batchId !== "number") return null;
  const source = report.sources?.[0];
  return {
    batchId: report.batchId,
    timestampMs: Date.parse(report.timestamp ?? ""),
    durationMs: number(report.durationMs?.["triggerExecution"]),
    stateRows: sum(report.stateOperators, "numRowsTotal"),
    stateBytes: sum(report.stateOperators, "memoryUsedBytes"),
    endOffsets: offsets(source?.endOffset),
    latestOffsets: offsets(source?.latestOffset),
    // -1: the sink does not say.
    outputRows: number(report.sink?.numOutputRows) >= 0 ? number(report.sink?.numOutputRows) : null,
    observed: Object.fromEntries(
      Object.entries(report.observedMetrics ?? {}).map(([name, row]) => [name, namedValues(row)]),
    ),
  };
}

interface Report {
  readonly batchId?: number;
  readonly timestamp?: string;
  readonly durationMs?: Readonly<Record<string, number>>;
  readonly stateOperators?: readonly Readonly<Record<string, unknown>>[];
  readonly sources?: readonly { readonly endOffset?: unknown; readonly latestOffset?: unknown }[];
  readonly sink?: { readonly numOutputRows?: number };
  readonly observedMetrics?: Readonly<Record<string, unknown>>;
}

/** A row as Spark 4 writes it, `{values: […], schema: {fields: [{name}, …]}}`, or as a plain object. */
function namedValues(row: unknown): Readonly<Record<string, unknown>> {
  if (typeof row !== "object" || row === null) return {};
  const { values, schema } = row as { values?: unknown; schema?: { fields?: readonly { name: string }[] } };
  if (!Array.isArray(values)) return row as Readonly<Record<string, unknown>>;
  return Object.fromEntries(
    (schema?.fields ?? []).map(({ name }, index) => [name, values[index] as unknown]),
  );
}

/** NaN and "NaN" (no time passed) are no rate. */
function number(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? value : 0;
}

function sum(operators: readonly Readonly<Record<string, unknown>>[] | undefined, field: string): number {
  return (operators ?? []).reduce((total, operator) => total + number(operator[field]), 0);
}

/** `{"topic":{"0":12}}`, as an object or as its JSON text. */
function offsets(value: unknown): ReadonlyMap<number, number> {
  let parsed = value;
  if (typeof value === "string") {
    try {
      parsed = JSON.parse(value);
    } catch {
      return new Map();
    }
  }
  if (typeof parsed !== "object" || parsed === null) return new Map();
  const partitions: unknown = Object.values(parsed)[0];
  if (typeof partitions !== "object" || partitions === null) return new Map();
  return new Map(
    Object.entries(partitions).map(([partition, offset]) => [Number(partition), number(offset)]),
  );
}
