/**
 * Runs stages on the log that the settings ask for, from its opening to its close: what every command and the library do.
 *
 *   metrics ─▶ log ─▶ topics ─▶ session opens ─▶ runs ─▶ drains          closed in reverse, whatever happens
 */
import type { OptionName, Settings } from "../config/options.ts";
import type { Clock, HealthCheck, Logger, TopicNames } from "../ports.ts";
import { checkedName } from "../stages/serve/serve-settings.ts";
import type { Stage } from "../stages/stage.ts";
import type { PrometheusMetrics } from "../telemetry/metrics.ts";
import { serveMetrics, type MetricsServer } from "./metrics-server.ts";
import { openLog, presentTopics, requireTopics, topicNames } from "./open-log.ts";
import { Session } from "./session.ts";

export interface RunStagesInput {
  readonly settings: Settings;
  /** Which settings somebody gave. */
  readonly origins: ReadonlyMap<OptionName, string>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: PrometheusMetrics;
  /** Ends the session. */
  readonly signal: AbortSignal;
  /** In the order of their opening. */
  readonly stages: readonly Stage[];
  /** See Session. @default false */
  readonly lossless?: boolean;
  /** Topics that must be there; none is made then. @default those that are missing are made */
  readonly onlyReads?: readonly (keyof TopicNames)[];
  /** Called once the operator's routes are served (`--metrics-port`). */
  readonly onMetrics?: (url: string) => void;
  /** Called once all stages are open. */
  readonly onOpen?: () => void;
}

/** @throws AppError what kept a stage from opening, or the first failure of one */
export async function runStages(input: RunStagesInput): Promise<void> {
  const { settings, origins, clock, logger, metrics, signal, onlyReads } = input;
  await using opened = new AsyncDisposableStack();
  let checks = (): readonly HealthCheck[] => BEFORE_THE_LOG;
  const served = await serveOperations(input, () => checks());
  opened.defer(async () => served?.close());
  const log = await openLog({
    settings,
    origins,
    clock,
    logger,
    metrics,
    createTopics: onlyReads === undefined,
  });
  opened.defer(async () => log.close());
  const named = topicNames(settings);
  await requireTopics(
    log,
    (onlyReads ?? []).map((topic) => named[topic]),
  );
  const topics = onlyReads === undefined ? await presentTopics(log, named) : named;
  const { lossless = false } = input;
  const session = new Session(input.stages, { log, topics, clock, logger, metrics, signal, lossless });
  checks = () => session.checks();
  await session.open();
  input.onOpen?.();
  if (settings.for !== null) void clock.sleep(settings.for, session.stop).then(() => session.end());
  await session.run();
}

const BEFORE_THE_LOG: readonly HealthCheck[] = [
  { name: "kafka", check: () => ({ ok: false, reason: "Kafka has not answered yet." }) },
];

/** Null when nobody asked for it. @throws HttpError when the port cannot be had */
async function serveOperations(
  { settings, metrics, onMetrics }: RunStagesInput,
  checks: () => readonly HealthCheck[],
): Promise<MetricsServer | null> {
  const port = settings["metrics-port"];
  if (port === null) return null;
  const served = await serveMetrics({
    metrics,
    host: settings.host,
    allowHosts: (settings["allow-host"] ?? []).map(checkedName),
    port,
    checks,
  });
  onMetrics?.(served.url);
  return served;
}
