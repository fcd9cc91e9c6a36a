/** `--metrics-port` of a session without the page: /metrics, and /readyz with the reasons of its own stages. */
import type { CollectorStatus } from "../stages/collect/collector-status.ts";
import type { Clock, HealthCheck, HealthState, Log } from "../ports.ts";
import type { PrometheusMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";
import { checkedName } from "../stages/serve/serve-settings.ts";
import { serveMetrics, type MetricsServer } from "../session/metrics-server.ts";
import type { WorkerHealth } from "../stages/aggregate/worker-health.ts";

const WELL: HealthState = { ok: true, reason: null };

/** What is asked at every probe; stages are filled in as they start. */
export interface SessionStages {
  readonly clock: Pick<Clock, "now">;
  log: Log | null;
  worker: Pick<WorkerHealth, "state"> | null;
  /** Of the collectors in this process; null where none runs. */
  statuses: readonly CollectorStatus[] | null;
  /** Of what else the process works with: archive, Spark. */
  others: readonly HealthCheck[];
  stopping: boolean;
}

export function sessionStages(clock: Pick<Clock, "now">): SessionStages {
  return { clock, log: null, worker: null, statuses: null, others: [], stopping: false };
}

/** Listens, and says where; null when nobody asked for it. @throws HttpError when the port cannot be had */
export async function startOperations(
  { settings, terminal }: CommandContext,
  metrics: PrometheusMetrics,
  stages: SessionStages,
): Promise<MetricsServer | null> {
  const port = settings["metrics-port"];
  if (port === null) return null;
  const served = await serveMetrics({
    metrics,
    host: settings.host,
    allowHosts: (settings["allow-host"] ?? []).map(checkedName),
    port,
    checks: () => checksOf(stages),
  });
  terminal.err(`Metrics: ${served.url}\n`);
  return served;
}

/** Each a sentence when not ok (docs/monitoring.md). */
export function checksOf(stages: SessionStages): readonly HealthCheck[] {
  const { log, worker, statuses } = stages;
  return [
    {
      name: log?.kind === "memory" ? "memory" : "kafka",
      check: () => log?.health() ?? { ok: false, reason: "Kafka has not answered yet." },
    },
    {
      name: "pipeline",
      check: () => (stages.stopping ? { ok: false, reason: "The pipeline is stopping." } : WELL),
    },
    ...(worker === null ? [] : [workerCheck(stages)]),
    ...(statuses === null ? [] : [{ name: "feed", check: () => feedState(statuses) }]),
    ...stages.others,
  ];
}

/** Of the worker as it is when asked: a server listens before there is one. */
export function workerCheck(stages: SessionStages): HealthCheck {
  return {
    name: "worker",
    check: () => stages.worker?.state(stages.clock.now()) ?? { ok: false, reason: "The worker is starting." },
  };
}

/** A feed that has answered once and fails now is in the metrics and the alerts; the process can still do its work. */
function feedState(statuses: readonly CollectorStatus[]): HealthState {
  if (statuses.some(({ lastSuccessAtMs }) => lastSuccessAtMs !== null)) return WELL;
  const failure = statuses.find((status) => status.failure !== null)?.failure;
  return { ok: false, reason: failure?.message ?? "No station has been observed yet." };
}
