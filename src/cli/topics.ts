/** `topics create` and `topics list`: the topics, as they are and as they are wanted. */
import { EXIT } from "../errors.ts";
import type { KafkaLog } from "../log/kafka/kafka-log.ts";
import type { TopicSpec } from "../ports.ts";
import { plainText } from "../telemetry/plain-text.ts";
import type { Command, CommandContext } from "./command.ts";
import { withKafka } from "./kafka-briefly.ts";
import { KAFKA_OPTIONS, TOPIC_OPTIONS } from "./option-lists.ts";
import { NEEDED_BROKERS } from "./option-texts.ts";
import { wantedTopics } from "../session/open-log.ts";
import { counted } from "../telemetry/counted.ts";
import { requireBrokers } from "./require-brokers.ts";

export const topicsCreate: Command = {
  usage: "[options]",
  description:
    "Makes the topics that are missing. Existing ones stay as they are, whoever made them: what differs from what is wanted is said, with what it costs.",
  examples: [
    { command: "velostream topics create --brokers localhost:9092", does: "The topics, with 4 partitions." },
    {
      command: "velostream topics create --brokers kafka:9092 --partitions 12 --replication-factor 3",
      does: "For a cluster of three brokers and up to 12 workers.",
    },
  ],
  options: [...KAFKA_OPTIONS, ...TOPIC_OPTIONS, "json"],
  optionTexts: { brokers: NEEDED_BROKERS },
  run: async (context) =>
    withLog(context, "topics create", async (log, specs) => {
      for (const report of await log.createTopics(specs)) {
        const { topic, created, partitions, differences } = report;
        await print(
          context,
          report,
          partitions === 0
            ? `${topic}: not there`
            : `${topic}: ${created ? "made" : "exists"}, ${counted(partitions, "partition")}`,
          differences,
        );
      }
      return EXIT.done;
    }),
};

export const topicsList: Command = {
  usage: "[options]",
  description: "Shows the topics: partitions, replicas, how they are cleaned, and what differs.",
  examples: [
    { command: "velostream topics list --brokers localhost:9092", does: "The four topics." },
    {
      command: "velostream topics list --brokers localhost:9092 --json",
      does: "The same, one JSON object a line.",
    },
  ],
  options: [...KAFKA_OPTIONS, ...TOPIC_OPTIONS, "json"],
  optionTexts: { brokers: NEEDED_BROKERS },
  run: async (context) =>
    withLog(context, "topics list", async (log, specs) => {
      for (const state of await log.describeTopics(specs)) {
        const { topic, exists, partitions, replicationFactor, cleanupPolicy, differences } = state;
        const line = exists
          ? `${topic}: ${counted(partitions, "partition")}, ${counted(replicationFactor, "replica")}, ${cleanupPolicy ?? "settings not readable"}`
          : `${topic}: does not exist (make it with "velostream topics create")`;
        await print(context, state, line, differences);
      }
      return EXIT.done;
    }),
};

async function withLog(
  context: CommandContext,
  command: string,
  act: (log: KafkaLog, specs: readonly TopicSpec[]) => Promise<number>,
): Promise<number> {
  requireBrokers(context, command);
  return withKafka(context, async (log) => act(log, wantedTopics(context)));
}

async function print(
  { settings, terminal }: CommandContext,
  object: object,
  line: string,
  differences: readonly string[],
): Promise<void> {
  if (settings.json) return terminal.json(`${JSON.stringify(object)}\n`);
  await terminal.out(`${plainText(line)}\n`);
  for (const difference of differences) await terminal.out(`  ${plainText(difference)}.\n`);
}
