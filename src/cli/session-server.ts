/** The server of a session: page and API over the session's own live view, with what its collectors know. */
import type { LiveView } from "../domain/live-view.ts";
import { startServing, type Serving } from "../http/serve.ts";
import type { CollectorStatus } from "../stages/collect/collector-status.ts";
import type {
  HealthCheck,
  HistoryQueries,
  LiveFollower,
  Log,
  SystemStatus,
  SystemStatusSource,
} from "../ports.ts";
import type { PrometheusMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";
import { serveSettings } from "../stages/serve/serve-settings.ts";

/** How far from the default port somebody who named none is moved. */
const MORE_PORTS = 19;

export interface SessionServerInput {
  readonly context: CommandContext;
  readonly log: Log;
  readonly view: LiveView;
  readonly follower: LiveFollower;
  readonly metrics: PrometheusMetrics;
  /** Of the collectors in this process; asked at every answer. */
  readonly statuses: () => readonly CollectorStatus[];
  /** Of the feeds that other processes collect. */
  readonly elsewhere?: SystemStatusSource;
  readonly history?: HistoryQueries | undefined;
  /** Beside the log. */
  readonly checks?: readonly HealthCheck[];
  /** Aborts when the session begins to drain. */
  readonly stop: AbortSignal;
}

/** Listens, and says where. @throws AppError when it cannot */
export async function startSessionServer(input: SessionServerInput): Promise<Serving> {
  const { context, log, stop } = input;
  const { settings, clock, logger, terminal } = context;
  const serving = await startServing({
    ...serveSettings(settings),
    morePorts: context.origins.has("port") ? 0 : MORE_PORTS,
    view: input.view,
    follower: input.follower,
    clock,
    logger,
    metrics: input.metrics,
    statuses: { statuses: () => [...(input.elsewhere?.statuses() ?? []), ...ownStatuses(input)] },
    history: input.history,
    checks: [
      { name: log.kind === "kafka" ? "kafka" : "memory", check: () => log.health() },
      {
        name: "pipeline",
        check: () => ({ ok: !stop.aborted, reason: stop.aborted ? "The pipeline is stopping." : null }),
      },
      ...(input.checks ?? []),
    ],
  });
  if (serving.takenPort !== null)
    terminal.err(
      `Port ${serving.takenPort} is taken by another program; the next free one is used instead.\n`,
    );
  terminal.err(`Live page and API: ${serving.url}\n`);
  return serving;
}

/** Of one system, what this process knows itself goes before what it is told: presentSystems takes the last. */
function ownStatuses({ statuses }: SessionServerInput): readonly SystemStatus[] {
  return statuses().flatMap((status) => status.systemStatus() ?? []);
}
