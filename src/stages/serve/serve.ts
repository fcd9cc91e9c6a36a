/** The serve stage: the page and the API over a live view, from its opening to its close. */
import type { LiveView } from "../../domain/live-view.ts";
import { startServing, type Serving } from "../../http/serve.ts";
import type { Clock, HistoryQueries, LiveFollower, SystemStatusSource } from "../../ports.ts";
import type { Settings } from "../../config/options.ts";
import type { PrometheusMetrics } from "../../telemetry/metrics.ts";
import type { Runner, StageContext } from "../stage.ts";
import { SERVE_METRICS } from "./metrics.ts";
import { SERVE_OPTIONS } from "./options.ts";
import { serveSettings } from "./serve-settings.ts";

/** How far from the default port somebody who named none is moved. */
const MORE_PORTS = 19;

export interface ServeStageOptions {
  readonly settings: Settings;
  /** Somebody named the port: no other will do. */
  readonly portNamed: boolean;
  readonly view: LiveView;
  /** Keeps the view in step with the log: a stage of the same session. */
  readonly follower: LiveFollower;
  /** What it serves at /metrics. */
  readonly registry: PrometheusMetrics;
  /** How the feeds are doing, by everyone who knows; of one system, the last is believed. */
  readonly statuses: readonly SystemStatusSource[];
  readonly openHistory: ((clock: Clock) => HistoryQueries & { close(): void }) | null;
  readonly onListening: (serving: Pick<Serving, "url" | "takenPort">) => void;
}

export class ServeStage implements Runner {
  readonly kind = "runner";
  readonly name = "serve";
  readonly options = SERVE_OPTIONS;
  readonly metrics = SERVE_METRICS;
  readonly #options: ServeStageOptions;
  #serving: Serving | null = null;
  #history: { close(): void } | null = null;

  constructor(options: ServeStageOptions) {
    this.#options = options;
  }

  /** Where people find it; null before it listens. */
  get url(): string | null {
    return this.#serving?.url ?? null;
  }

  /** @throws AppError when it cannot listen */
  async open({ clock, logger, checks }: StageContext): Promise<void> {
    const { settings, portNamed, view, follower, registry, statuses, openHistory, onListening } =
      this.#options;
    const history = openHistory?.(clock);
    this.#serving = await startServing({
      ...serveSettings(settings),
      morePorts: portNamed ? 0 : MORE_PORTS,
      view,
      follower,
      clock,
      logger,
      metrics: registry,
      statuses: { statuses: () => statuses.flatMap((source) => source.statuses()) },
      history,
      // The server itself asks whether anything was observed, by whomever.
      checks: checks().filter(({ name }) => name !== "feed"),
    });
    this.#history = history ?? null;
    onListening(this.#serving);
  }

  health(): null {
    return null;
  }

  drain(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#serving?.stop();
    this.#history?.close();
  }
}
