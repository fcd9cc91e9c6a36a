/** The commands that run a pipeline, or a part of one: from what a command wants to its exit code. */
import { EXIT } from "../errors.ts";
import { pipelineStages, type PipelineParts } from "../session/pipeline.ts";
import { runStages } from "../session/run-stages.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { CommandContext } from "./command.ts";

export type SessionInput = Pick<
  PipelineParts,
  "supply" | "source" | "lossless" | "aggregate" | "serve" | "archive"
> & { readonly context: CommandContext };

/** @returns the exit code; rethrows what stopped a stage, after the drain */
export async function runSession({ context, ...wanted }: SessionInput): Promise<number> {
  const { settings, terminal, logger } = context;
  const { supply } = wanted;
  try {
    const metrics = createMetrics({ process: true });
    const { stages, statuses } = pipelineStages({
      ...wanted,
      ...context,
      metrics,
      json: settings.json ? (lines) => terminal.json(lines) : null,
      screen: terminal.interactive ? terminal : null,
      onListening: ({ url, takenPort }) => {
        if (takenPort !== null)
          terminal.err(`Port ${takenPort} is taken by another program; the next free one is used instead.\n`);
        terminal.err(`Live page and API: ${url}\n`);
      },
    });
    await runStages({
      ...context,
      metrics,
      stages,
      lossless: wanted.lossless,
      onMetrics: (url) => terminal.err(`Metrics: ${url}\n`),
    });
    const everSucceeded = supply === null || statuses.some(({ lastSuccessAtMs }) => lastSuccessAtMs !== null);
    if (settings.for === null || everSucceeded) return EXIT.done;
    // A failed poll has been told of; one that was still waiting for its answer has not.
    if (statuses.every(({ failure }) => failure === null))
      logger.warn(
        "feed.no_answer",
        'No poll came to an end within --for. Give it longer, or see what is wrong with "velostream doctor".',
      );
    return EXIT.unavailable;
  } finally {
    await supply?.close?.();
  }
}
