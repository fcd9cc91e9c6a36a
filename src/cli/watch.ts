/** `watch raw` and `watch totals`: the records of a topic as NDJSON, or a live table on a terminal. */
import { LiveView } from "../domain/live-view.ts";
import { readVelibReference } from "../velib/reference-record.ts";
import { EXIT, UsageError } from "../errors.ts";
import { runStages } from "../session/run-stages.ts";
import { PrintStage } from "../stages/print/print.ts";
import { ShowStage } from "../stages/print/show.ts";
import { requireBrokers } from "./require-brokers.ts";
import type { Stage } from "../stages/stage.ts";
import { ViewStage } from "../stages/view/view.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { Command, CommandContext } from "./command.ts";
import { KAFKA_OPTIONS } from "./option-lists.ts";
import { FOR_A_WHILE, NEEDED_BROKERS } from "./option-texts.ts";
import type { Terminal } from "./terminal.ts";

const FROM_TEXT = {
  metavar: "WHERE",
  help: "Where to start reading: earliest or latest.",
  default: "latest",
};

export const watchTotals: Command = {
  usage: "[options]",
  description: "Shows the totals per area as they change: a live table on a terminal, NDJSON elsewhere.",
  examples: [
    { command: "velostream watch totals --brokers localhost:9092", does: "A live table of all areas." },
    {
      command: "velostream watch totals --brokers localhost:9092 --json --from earliest",
      does: "Every totals record from the start of the topic, one JSON object a line.",
    },
  ],
  options: [...KAFKA_OPTIONS, "from", "json", "for"],
  optionTexts: { brokers: NEEDED_BROKERS, from: FROM_TEXT, for: FOR_A_WHILE },
  run: (context) => watch(context, "totals"),
};

export const watchRaw: Command = {
  usage: "[options]",
  description: "Prints the station records as they are published, one JSON object a line.",
  examples: [
    { command: "velostream watch raw --brokers localhost:9092", does: "New station records." },
    {
      command: "velostream watch raw --brokers localhost:9092 --from earliest --for 5s | head -1",
      does: "The oldest record that the topic still holds.",
    },
  ],
  options: [...KAFKA_OPTIONS, "from", "json", "for"],
  optionTexts: { brokers: NEEDED_BROKERS, from: FROM_TEXT, for: FOR_A_WHILE },
  run: (context) => watch(context, "raw"),
};

function startOf(from: string | null): "earliest" | "latest" {
  if (from === null) return "latest";
  if (from === "earliest" || from === "latest") return from;
  throw new UsageError(`--from: ${JSON.stringify(from)} is none of earliest, latest.`);
}

async function watch(context: CommandContext, what: "raw" | "totals"): Promise<number> {
  const { settings, terminal } = context;
  requireBrokers(context, `watch ${what}`);
  const from = startOf(settings.from);
  const asTable = what === "totals" && terminal.interactive && !settings.json;
  await runStages({
    ...context,
    metrics: createMetrics({ process: false }),
    stages: asTable
      ? table(terminal)
      : [new PrintStage({ what, from, write: (lines) => terminal.json(lines) })],
    onlyReads: [what],
  });
  return EXIT.done;
}

function table(screen: Terminal): readonly Stage[] {
  const follower = new ViewStage(new LiveView({ readReference: readVelibReference }));
  const { view } = follower;
  return [follower, new ShowStage({ screen, view, statuses: [], worker: null, url: () => null })];
}
