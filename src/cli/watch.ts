/** `watch raw` and `watch totals`: the records of a topic as NDJSON, or a live table on a terminal. */
import { LiveView } from "../domain/live-view.ts";
import { referenceReader } from "../velib/reference-record.ts";
import { LogError, UsageError } from "../errors.ts";
import { areaOfVelibCode } from "../velib/velib-communes.ts";
import type { Log, TopicNames } from "../ports.ts";
import { follow } from "../session/follow.ts";
import { ViewStage } from "../stages/view/view.ts";
import { createMetrics } from "../telemetry/metrics.ts";
import type { Command, CommandContext } from "./command.ts";
import { KAFKA_OPTIONS } from "./kafka-options.ts";
import { FOR_A_WHILE, NEEDED_BROKERS } from "./option-texts.ts";
import { openLog, topicNames } from "./open-log.ts";
import { printRaw, printTotals } from "./print-records.ts";
import { sessionOutput } from "./session-output.ts";
import { Stages } from "./stages.ts";

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
  const { settings, clock, logger, terminal, signal } = context;
  requireBrokers(context, `watch ${what}`);
  const metrics = createMetrics({ process: false });
  const log = await openLog({
    settings,
    origins: context.origins,
    clock,
    logger,
    metrics,
    createTopics: false,
  });
  const topics = topicNames(settings);
  try {
    await requireTopics(log, what === "raw" ? [topics.raw] : [topics.totals]);
  } catch (error) {
    await log.close();
    throw error;
  }
  const stages = new Stages(signal);
  if (settings.for !== null) void clock.sleep(settings.for, stages.stop).then(() => stages.end());
  const giveUp = new AbortController();
  const from = startOf(settings.from);
  const print = { terminal, log, topics, from, signal: giveUp.signal, finish: stages.stop };
  if (what === "totals" && terminal.interactive && !settings.json) await table(context, log, topics, stages);
  else await stages.watch(what === "raw" ? printRaw(print) : printTotals(print));
  await log.close();
  stages.rethrow();
  return 0;
}

async function table(context: CommandContext, log: Log, topics: TopicNames, stages: Stages): Promise<void> {
  const { clock, logger } = context;
  const view = new LiveView({ readReference: referenceReader(areaOfVelibCode) });
  const metrics = createMetrics({ process: false });
  const stage = { log, topics, clock, logger, metrics, stop: stages.stop, fail: stages.fail };
  const follower = new ViewStage(view);
  await follower.open(stage);
  const shown = { context, log, topics, view, statuses: [], worker: null, url: null };
  await Promise.all([
    stages.watch(follow({ ...stage, sink: follower }, stages.stop)),
    stages.watch(sessionOutput({ ...shown, signal: stages.stop, finish: stages.stop })),
  ]);
}

/** A stage waits for its topics for a while; whoever watches wants to know at once. */
async function requireTopics(log: Log, names: readonly string[]): Promise<void> {
  for (const name of names)
    if ((await log.partitionCount(name)) === null)
      throw new LogError(
        "VELOSTREAM_LOG_REFUSED",
        `Cannot read ${name}: the topic does not exist. Make it with \`velostream topics create\`.`,
      );
}

/** @throws UsageError when no brokers are named: another process's memory log cannot be joined */
export function requireBrokers({ settings }: CommandContext, command: string): void {
  if (settings.brokers !== null) return;
  throw new UsageError(
    `"velostream ${command}" works on Kafka's topics and no broker is named. Add --brokers HOST:PORT, or use "velostream run", which does everything in one process.`,
  );
}
