/**
 * The pipeline as a library: everything `velostream run` does, started and stopped from a program (docs/library.md).
 *
 *   pipeline(options) ─▶ running ──stop(), or a stage failed──▶ draining ─▶ done, nothing left open
 */
import type {
  ARCHIVE_OPTIONS,
  FEED_OPTIONS,
  GROUP_OPTIONS,
  KAFKA_OPTIONS,
  MQTT_OPTION_NAMES,
  SERVE_OPTIONS,
  TOPIC_OPTIONS,
  WRITE_OPTIONS,
} from "./cli/option-lists.ts";
import { run } from "./cli/run.ts";
import { environmentName, OPTIONS, type OptionName, type Settings } from "./config/options.ts";
import { settle } from "./config/settings.ts";
import { UsageError } from "./errors.ts";
import type { Logger } from "./ports.ts";
import { pipelineStages } from "./session/pipeline.ts";
import { runStages } from "./session/run-stages.ts";
import { openFeeds } from "./stages/collect/open-feeds.ts";
import { SILENT } from "./telemetry/logger.ts";
import { createMetrics } from "./telemetry/metrics.ts";
import { systemClock } from "./telemetry/system-clock.ts";

type CamelCase<Name extends string> = Name extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

type PipelineOption = (
  | typeof FEED_OPTIONS
  | typeof KAFKA_OPTIONS
  | typeof TOPIC_OPTIONS
  | typeof WRITE_OPTIONS
  | typeof GROUP_OPTIONS
  | typeof SERVE_OPTIONS
  | typeof ARCHIVE_OPTIONS
  | typeof MQTT_OPTION_NAMES
  | readonly ["serve", "archive"]
)[number];

/** The totals of one area: a record of the totals topic (docs/contracts.md), or the word that the area is gone. */
export interface AreaTotalsRecord {
  readonly postcode: string;
  readonly system_id: string;
  /** Absent where the area is gone. */
  readonly nbr_total?: number;
  /** Null where the feed does not tell. */
  readonly nbr_elec?: number | null;
  readonly nbr_meca?: number | null;
  /** True where no station is left in the area. */
  readonly tombstone?: true;
  readonly [field: string]: unknown;
}

/**
 * The options of `velostream run` (docs/configuration.md) in camel case: `feed`, `brokers`, `dataDir`. Durations are
 * milliseconds. The environment and configuration files are not read. `serve` and `archive` are off by default.
 */
export type PipelineOptions = {
  readonly [Name in PipelineOption as CamelCase<Name>]?: Settings[Name];
} & {
  /** Called with each totals record, once and in the order of its area. */
  readonly onTotals?: (totals: AreaTotalsRecord) => void;
  /** What the pipeline says of its work. @default nothing */
  readonly logger?: Logger;
  /** Stops the pipeline, as `stop()` does. */
  readonly signal?: AbortSignal;
};

/** A running pipeline. */
export interface Pipeline {
  /** Where the page and the API are; null where they are not served. */
  readonly url: string | null;
  /** Settles when it has stopped; rejects with what stopped it. */
  readonly done: Promise<void>;
  /** Finishes what is in hand, and closes everything. Safe to call twice. */
  stop(): Promise<void>;
}

/**
 * Starts a pipeline: collects feeds, aggregates them, and serves and archives them where that is asked for. Any number may
 * run in one process, each with its own port and folder.
 * @throws AppError when it cannot start (a port that is taken, an option that means nothing): nothing is left open then
 */
export async function pipeline(options: PipelineOptions = {}): Promise<Pipeline> {
  const { onTotals, logger = SILENT, signal, ...given } = options;
  const { settings, origins } = settingsOf(given);
  const stop = new AbortController();
  const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
  const context = { settings, origins, logger, clock: systemClock };
  const opened = Promise.withResolvers<string | null>();
  const done = (async (): Promise<void> => {
    const supply = openFeeds(context);
    try {
      // Node's own metrics are not exported: their observers stay as long as the process.
      const metrics = createMetrics({ process: false });
      const { stages, url } = pipelineStages({
        ...context,
        metrics,
        supply,
        lossless: false,
        aggregate: true,
        serve: settings.serve,
        archive: settings.archive ? "required" : "none",
        json: hearing(onTotals),
        screen: null,
        onListening: () => {},
      });
      const onOpen = (): void => opened.resolve(url());
      await runStages({ ...context, metrics, stages, onOpen, signal: either });
    } finally {
      await supply.close();
    }
  })();
  // Who asks for it late, or never, is not surprised by it.
  done.catch(opened.reject);
  const url = await opened.promise;
  return {
    url,
    done,
    stop: async () => {
      stop.abort();
      await done;
    },
  };
}

/** Each option is read as its environment variable would be: the same parsers, bounds and messages. */
function settingsOf(
  given: Readonly<Record<string, Settings[OptionName] | undefined>>,
): ReturnType<typeof settle> {
  const env: Record<string, string> = {
    [environmentName("serve")]: "false",
    [environmentName("archive")]: "false",
  };
  for (const [camel, value] of Object.entries(given)) {
    const name = camel.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (!isOption(name))
      throw new UsageError(
        `pipeline(): ${JSON.stringify(camel)} is not an option. docs/library.md lists them.`,
      );
    if (value === null || value === undefined) continue;
    const isDuration = OPTIONS[name].kind.startsWith("duration") && typeof value === "number";
    env[environmentName(name)] = isDuration ? `${value}ms` : String(value);
  }
  return settle({ args: [], env, accepts: run.options, commandName: "pipeline()" });
}

function isOption(name: string): name is OptionName {
  return run.options.includes(name as OptionName);
}

/** What takes totals records, one a line. */
function hearing(onTotals: PipelineOptions["onTotals"]): (lines: string) => Promise<void> {
  if (onTotals === undefined) return () => Promise.resolve();
  return (lines) => {
    for (const line of lines.split("\n")) if (line !== "") onTotals(JSON.parse(line) as AreaTotalsRecord);
    return Promise.resolve();
  };
}
