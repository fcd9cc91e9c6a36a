/** One sink as a session runs it: opened, fed from the log, drained, closed. */
import type { Clock, Log, Logger, Metrics, TopicNames } from "../../src/ports.ts";
import { follow } from "../../src/stages/follow.ts";
import type { Sink, StageContext } from "../../src/stages/stage.ts";

export interface RunSinkOptions {
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly lossless?: boolean;
}

export function stageContext(options: RunSinkOptions, stop: AbortSignal): StageContext {
  return {
    ...options,
    stop,
    fail: (error) => {
      throw error;
    },
    checks: () => [],
  };
}

export async function runSink(
  sink: Sink,
  options: RunSinkOptions,
  signal: AbortSignal,
  finish?: AbortSignal,
): Promise<void> {
  await sink.open(stageContext(options, signal));
  try {
    await follow({ ...options, sink }, signal, finish);
    await sink.drain(signal);
  } finally {
    await sink.close();
  }
}
