/**
 * The stages of a pipeline in one process, in the order of their opening, made of the settings: what is served listens
 * before anything is read, and what shows comes last.
 */
import type { OptionName, Settings } from "../config/options.ts";
import { LiveView } from "../domain/live-view.ts";
import { readVelibReference } from "../velib/reference-record.ts";
import { AggregateStage } from "../stages/aggregate/aggregate.ts";
import { LateQueries } from "../stages/archive/late-queries.ts";
import { settledArchive } from "../stages/archive/settled-archive.ts";
import { CollectStage } from "../stages/collect/collect.ts";
import type { CollectorStatus } from "../stages/collect/collector-status.ts";
import type { SystemSupply } from "../stages/collect/systems.ts";
import { FeedsStage } from "../stages/feeds/feeds.ts";
import { PrintStage } from "../stages/print/print.ts";
import type { Screen } from "../stages/print/screen.ts";
import { ShowStage } from "../stages/print/show.ts";
import { ServeStage, type ServeStageOptions } from "../stages/serve/serve.ts";
import { openMqtt } from "../stages/sinks/mqtt/open-mqtt.ts";
import type { Runner, Stage } from "../stages/stage.ts";
import { ViewStage } from "../stages/view/view.ts";
import type { PrometheusMetrics } from "../telemetry/metrics.ts";

export interface PipelineParts {
  readonly settings: Settings;
  /** Which settings somebody gave. */
  readonly origins: ReadonlyMap<OptionName, string>;
  readonly metrics: PrometheusMetrics;
  /** What to collect; null where another process collects. */
  readonly supply: SystemSupply | null;
  /** Publishes to the raw topic instead of collectors. */
  readonly source?: Runner;
  /** Every poll is published before the next one: for recordings. */
  readonly lossless: boolean;
  /** Aggregate here; off where other processes do. */
  readonly aggregate: boolean;
  /** Serve the page and the API. @default false */
  readonly serve?: boolean;
  /**
   * The archive: written in the default folder where nobody else does (`wanted`), written or the session does not start
   * (`required`), or only asked, where there is one (`read`). @default "none"
   */
  readonly archive?: "wanted" | "required" | "read" | "none";
  /** Where totals records go, as NDJSON; null: people are shown how it is doing. */
  readonly json: ((lines: string) => Promise<void>) | null;
  /** The terminal; null where there is none. */
  readonly screen: Screen | null;
  readonly onListening: ServeStageOptions["onListening"];
}

export interface PipelineStages {
  readonly stages: readonly Stage[];
  /** Of the collectors in this process; changes in place. */
  readonly statuses: readonly CollectorStatus[];
  /** Where the page is served; null where it is not. */
  readonly url: () => string | null;
}

/** @throws ConfigError when a setting cannot be used */
export function pipelineStages(parts: PipelineParts): PipelineStages {
  const { settings, supply, lossless, json, screen } = parts;
  const readReference = readVelibReference;
  const mqtt = openMqtt(settings, readReference);
  const archive = archiveOf(parts);
  const collect =
    supply === null
      ? null
      : new CollectStage({
          supply,
          publish: settings.publish as "changes",
          stations: settings.stations,
          lossless,
        });
  const aggregate = parts.aggregate ? new AggregateStage(settings) : null;
  // A worker that nobody watches reads nothing but its partitions: following the view would cost it more than its work.
  // With --json what is shown are the totals records themselves.
  const watched = parts.serve === true || (json === null && (collect !== null || screen !== null));
  const view = new ViewStage(new LiveView({ readReference }));
  // Who collects here knows more of its feeds than the topic tells.
  const feeds = parts.serve === true && settings.brokers !== null ? new FeedsStage() : null;
  const serve = parts.serve === true ? serveOf(parts, view, present([feeds, collect])) : null;
  const statuses = collect?.collected ?? [];
  const url = (): string | null => serve?.url ?? null;
  const shown =
    json === null
      ? new ShowStage({ screen, view: watched ? view.view : null, statuses, worker: aggregate, url })
      : new PrintStage({ what: "totals", from: "latest", write: json });
  const source = parts.source ?? null;
  const followed = watched ? view : null;
  const stages = present<Stage>([archive, followed, feeds, serve, aggregate, source, collect, mqtt, shown]);
  return { stages, statuses, url };
}

function archiveOf({ settings, origins, archive = "none" }: PipelineParts) {
  if (archive === "none" || archive === "read") return null;
  return settledArchive(settings, archive === "required" || origins.has("data-dir"));
}

function serveOf(
  { settings, origins, metrics, archive = "none", onListening }: PipelineParts,
  follower: ViewStage,
  statuses: readonly (FeedsStage | CollectStage)[],
): ServeStage {
  return new ServeStage({
    settings,
    portNamed: origins.has("port"),
    view: follower.view,
    follower,
    registry: metrics,
    statuses,
    openHistory: archive === "none" ? null : (clock) => new LateQueries(settings["data-dir"], clock),
    onListening,
  });
}

function present<T>(list: readonly (T | null)[]): readonly T[] {
  return list.filter((each) => each !== null);
}
