/**
 * The pipeline, or some of its stages, in one process: how they start, drain and stop.
 *
 *   start ─▶ running ──signal, --for, sources ended, a stage failed──▶ draining ─▶ stopped
 *                                                                        │
 *   collectors publish what they have ─▶ worker reads it to the end ─▶ view and output read that to the end
 */
import { hostname } from "node:os";
import { LiveView } from "../domain/live-view.ts";
import { referenceReader } from "../velib/reference-record.ts";
import { stationSelection } from "../domain/station-selection.ts";
import { collectorId } from "../record/writer.ts";
import { AppError, EXIT } from "../errors.ts";
import { areaOfVelibCode } from "../velib/velib-communes.ts";
import { Collector } from "../stages/collect/collector.ts";
import { DRAIN_MS } from "../stages/drain.ts";
import type { CollectorStatus } from "../stages/collect/collector-status.ts";
import { RestoreSnapshot } from "../stages/collect/restore-collection.ts";
import { FeedReporter } from "../stages/collect/feed-reporter.ts";
import { Systems, type SystemSupply } from "../stages/collect/systems.ts";
import { WriterWatch } from "../stages/collect/writer-watch.ts";
import type { LogProducer } from "../ports.ts";
import { follow } from "../session/follow.ts";
import { FeedsStage } from "../stages/feeds/feeds.ts";
import { openMqtt } from "../stages/sinks/mqtt/open-mqtt.ts";
import { ViewStage } from "../stages/view/view.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";
import { openLog, presentTopics, topicNames } from "./open-log.ts";
import { sessionStages, startOperations, workerCheck } from "./session-operations.ts";
import { openSessionArchive, type ArchiveMode } from "./session-archive.ts";
import { sessionOutput } from "./session-output.ts";
import { startSessionServer } from "./session-server.ts";
import { Stages } from "./stages.ts";
import { WorkerHealth } from "../stages/aggregate/worker-health.ts";
import { caughtUp, reportLag, startWorker } from "./worker.ts";

export interface SessionInput {
  readonly context: CommandContext;
  /** What to collect; null where another process collects. */
  readonly supply: SystemSupply | null;
  /** Every poll is published before the next one: for recordings. */
  readonly lossless: boolean;
  /** Aggregate here; off where other processes do. */
  readonly aggregate: boolean;
  /** Serve the page and the API. @default false */
  readonly serve?: boolean;
  /** @default "none" */
  readonly archive?: ArchiveMode;
  /** Publishes to the raw topic instead of a collector, until it is done or `stop` aborts. */
  readonly publish?: (producer: LogProducer, stop: AbortSignal) => Promise<void>;
  /** Called once all is open, with where the page is served. */
  readonly onOpen?: (url: string | null) => void;
  /** Also export Node's own metrics, whose observers stay as long as the process. @default true */
  readonly processMetrics?: boolean;
}

/**
 * What was opened is closed in reverse at the end, also when the opening fails half-way: a port that is taken leaves no
 * lock, log or timer behind.
 * @returns the exit code; rethrows what stopped a stage, after the drain
 */
export async function runSession(input: SessionInput): Promise<number> {
  const opened = new AsyncDisposableStack();
  try {
    return await run(input, opened);
  } finally {
    await opened.disposeAsync();
  }
}

async function run(input: SessionInput, opened: AsyncDisposableStack): Promise<number> {
  const closing = (close: () => unknown): void => opened.defer(async () => settled(close));
  const { context, supply, lossless, aggregate } = input;
  const { settings, clock, logger, signal } = context;
  const mqtt = openMqtt(settings, referenceReader(areaOfVelibCode));
  const metrics = createMetrics({ process: input.processMetrics ?? true });
  closing(() => supply?.close?.());
  const state = sessionStages(clock);
  const operations = await startOperations(context, metrics, state);
  closing(() => operations?.close());
  const log = await openLog({ settings, origins: context.origins, clock, logger, metrics });
  closing(() => log.close());
  state.log = log;
  const topics = await presentTopics(log, topicNames(settings));
  const stages = new Stages(signal);
  const stageContext = { log, topics, clock, logger, metrics, stop: stages.stop, fail: stages.fail };
  const archive = await openSessionArchive(context, stageContext, input.archive ?? "none");
  closing(() => archive?.close());
  state.others = [
    ...(archive?.checks ?? []),
    ...(mqtt === null ? [] : [{ name: mqtt.name, check: () => mqtt.health() }]),
  ];
  stages.stop.addEventListener("abort", () => (state.stopping = true));
  closing(() => stages.end());
  if (settings.for !== null) void clock.sleep(settings.for, stages.stop).then(() => stages.end());

  // A worker that nobody watches reads nothing but its partitions: following the view would cost it more than its work.
  // With --json what is shown are the totals records themselves.
  const shown = !settings.json && (supply !== null || context.terminal.interactive);
  const watched = input.serve === true || shown;
  const view = new LiveView({ readReference: referenceReader(areaOfVelibCode) });
  const follower = new ViewStage(view);
  await follower.open(stageContext);
  const statuses: CollectorStatus[] = [];
  if (supply !== null) state.statuses = statuses;
  const elsewhere =
    input.serve === true && topics.feeds !== undefined && log.kind === "kafka" ? new FeedsStage() : null;
  if (elsewhere !== null) {
    await elsewhere.open(stageContext);
    // Nothing depends on it: where the topic may not be read, all else goes on.
    void follow({ sink: elsewhere, ...stageContext }, stages.stop).catch((error: unknown) => {
      if (!(error instanceof AppError)) return stages.fail(error);
      return logger.warn("feeds.unreadable", `${error.message} How the feeds are doing is not known here.`);
    });
  }
  const server =
    input.serve === true
      ? await startSessionServer({
          context,
          log,
          view,
          follower,
          metrics,
          statuses: () => statuses,
          ...(elsewhere === null ? {} : { elsewhere }),
          history: archive?.queries,
          checks: [...state.others, ...(aggregate ? [workerCheck(state)] : [])],
          stop: stages.stop,
        })
      : null;
  closing(() => server?.stop());

  const workerInput = { log, topics, settings, clock, logger, metrics };
  const worker = aggregate ? await startWorker(workerInput) : null;
  let drained = false;
  closing(() => (drained ? null : worker?.stop()));
  if (worker !== null) {
    const health = new WorkerHealth(worker);
    state.worker = health;
    void stages.watch(worker.done);
    void reportLag(worker, health, workerInput, stages.stop);
  }
  const producer = await log.producer();
  closing(() => producer.close());
  const restores = new RestoreSnapshot(log, topics.raw, stages.stop, clock, log.kind === "memory");
  // Only a log that other processes reach has other writers.
  const collector = collectorId(hostname(), process.pid, clock.now());
  const among =
    log.kind === "memory" || lossless
      ? {}
      : {
          collector,
          watch: new WriterWatch({ log, rawTopic: topics.raw, clock, logger, signal: stages.stop }),
        };
  const systems =
    supply === null
      ? null
      : new Systems({
          supply,
          statuses,
          clock,
          logger,
          collectorOf: (opened, claim) =>
            new Collector({
              ...opened,
              ...among,
              claim,
              restore: (...given) => restores.restore(...given),
              log,
              producer,
              topics,
              mode: settings.publish as "changes",
              selection: stationSelection(settings.stations),
              lossless,
              clock,
              random: Math.random,
              logger,
              metrics,
            }),
        });
  const finish = new AbortController();
  const giveUp = new AbortController();
  const output = {
    context,
    log,
    topics,
    view: watched ? view : null,
    statuses,
    worker,
    url: server?.url ?? null,
    signal: giveUp.signal,
    finish: finish.signal,
  };
  const reading = [
    ...(watched
      ? [stages.watch(follow({ ...stageContext, sink: follower }, giveUp.signal, finish.signal))]
      : []),
    stages.watch(sessionOutput(output)),
  ];
  if (mqtt !== null) {
    await mqtt.open(stageContext);
    closing(() => mqtt.close());
    reading.push(
      stages.watch(follow({ sink: mqtt, ...stageContext, lossless }, giveUp.signal, finish.signal)),
    );
  }
  input.onOpen?.(server?.url ?? null);
  const archiving = stages.watch(archive?.run(giveUp.signal, finish.signal) ?? Promise.resolve());

  const collecting = input.publish?.(producer, stages.stop) ?? systems?.run(stages.stop);
  const reporter =
    systems === null || topics.feeds === undefined
      ? null
      : new FeedReporter({ topic: topics.feeds, producer, statuses, collector, clock, logger });
  const reporting = stages.watch(
    reporter?.run(stages.stop, collecting ?? Promise.resolve()) ?? Promise.resolve(),
  );
  await (collecting === undefined ? stages.stopped() : stages.watch(collecting));
  stages.end();
  // A recording that has ended is shown to its end, however long that takes.
  const ended = lossless && !signal.aborted;
  const deadline = ended ? new Promise<never>(() => {}) : clock.sleep(DRAIN_MS, giveUp.signal);
  drained = true;
  if (worker !== null) {
    await Promise.race([caughtUp(worker, log, clock), deadline]);
    await Promise.race([worker.stop(), deadline]).catch(() => {});
  }
  finish.abort();
  await Promise.race([Promise.all([...reading, archiving]), deadline]);
  await Promise.race([mqtt?.drain(giveUp.signal), deadline]);
  giveUp.abort();
  // What is acknowledged becomes files: the folder is not left before.
  await Promise.all([archiving, reporting]);
  await opened.disposeAsync();
  stages.rethrow();
  const everSucceeded = systems === null || statuses.some(({ lastSuccessAtMs }) => lastSuccessAtMs !== null);
  if (settings.for === null || everSucceeded) return EXIT.done;
  // A failed poll has been told of; one that was still waiting for its answer has not.
  if (statuses.every(({ failure }) => failure === null))
    logger.warn(
      "feed.no_answer",
      'No poll came to an end within --for. Give it longer, or see what is wrong with "velostream doctor".',
    );
  return EXIT.unavailable;
}

/** One thing that cannot be closed keeps nobody from closing the others. */
async function settled(close: () => unknown): Promise<void> {
  try {
    await close();
  } catch {
    // What it failed for has been told of while it was at work.
  }
}
