/** Opens the log the settings ask for: in memory, or Kafka when brokers are named. */
import type { OptionName, Settings } from "../config/options.ts";
import { AppError, ConfigError, LogError } from "../errors.ts";
import type { Compression } from "../log/kafka/batches.ts";
import type { KafkaLogOptions } from "../log/kafka/kafka-log.ts";
import { membershipTimes } from "../log/kafka/membership-times.ts";
import { MemoryLog } from "../log/memory-log.ts";
import { topicSpecs } from "../log/topics.ts";
import { kafkaAccess } from "./kafka-access.ts";
import type { Clock, Log, Logger, Metrics, TopicNames, TopicSpec } from "../ports.ts";

export interface OpenLogInput {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Which settings somebody gave. */
  readonly origins: ReadonlyMap<OptionName, string>;
  /** Make topics that are missing. @default true */
  readonly createTopics?: boolean;
}

/** @throws ConfigError when two of them are the same topic */
export function topicNames(settings: Settings): Required<TopicNames> {
  const topics = {
    raw: settings["raw-topic"],
    totals: settings["totals-topic"],
    rejects: settings["rejects-topic"],
    feeds: settings["feeds-topic"],
  };
  for (const [what, topic] of Object.entries(topics))
    if (!/^[\w.-]{1,249}$/.test(topic) || topic === "." || topic === "..")
      throw new ConfigError(
        `--${what}-topic: ${JSON.stringify(topic)} cannot name a topic. Use letters, digits, ".", "_" and "-", 249 at most.`,
      );
  if (new Set(Object.values(topics)).size < Object.keys(topics).length)
    throw new ConfigError(
      "--raw-topic, --totals-topic, --rejects-topic and --feeds-topic must be four different topics. Name them apart.",
    );
  return topics;
}

/** Without what cannot be had and can be done without. */
export async function presentTopics(
  log: Pick<Log, "partitionCount">,
  { feeds, ...needed }: Required<TopicNames>,
): Promise<TopicNames> {
  const partitions = await log.partitionCount(feeds).catch((error: unknown) => {
    if (error instanceof AppError && !error.retryable) return null;
    throw error;
  });
  return partitions === null ? needed : { ...needed, feeds };
}

/** A stage waits for its topics for a while; whoever only reads wants to know at once. @throws LogError when one is missing */
export async function requireTopics(
  log: Pick<Log, "partitionCount">,
  names: readonly string[],
): Promise<void> {
  for (const name of names)
    if ((await log.partitionCount(name)) === null)
      throw new LogError(
        "VELOSTREAM_LOG_REFUSED",
        `Cannot read ${name}: the topic does not exist. Make it with \`velostream topics create\`.`,
      );
}

/** The topics as they are to be. */
export function wantedTopics({
  settings,
  origins,
}: Pick<OpenLogInput, "settings" | "origins">): readonly TopicSpec[] {
  return topicSpecs(topicNames(settings), {
    partitions: settings.partitions,
    partitionsByDefault: !origins.has("partitions"),
    replicationFactor: settings["replication-factor"],
  });
}

/** Opens the log and makes the topics that are missing; says what differs from what is wanted. */
export async function openLog({
  settings,
  clock,
  logger,
  metrics,
  createTopics = true,
  origins,
}: OpenLogInput): Promise<Log> {
  const access = kafkaAccess(settings);
  const times = membershipTimes(settings["session-timeout"]);
  const log =
    access === null
      ? new MemoryLog({ clock })
      : await openKafka({
          access,
          clock,
          logger,
          metrics,
          times,
          compression: settings.compression as Compression,
        });
  if (!createTopics) return log;
  const reports = await log.createTopics(wantedTopics({ settings, origins }));
  for (const { topic, differences } of reports)
    for (const difference of differences)
      logger.warn("topics.differ", `Topic ${topic} ${difference}.`, { topic });
  return log;
}

/** Loaded only where it is used: Kafka's client takes 50 MB. */
async function openKafka(options: KafkaLogOptions): Promise<Log> {
  const { KafkaLog } = await import("../log/kafka/kafka-log.ts");
  return new KafkaLog(options);
}
