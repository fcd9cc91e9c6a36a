/** Making topics, and saying how existing ones differ from what is wanted: they are never changed. */
import { Admin, ConfigResourceTypes, NetworkError } from "@platformatic/kafka";
import { LogError } from "../../errors.ts";
import type { TopicReport, TopicSpec } from "../../ports.ts";
import type { KafkaAccess } from "./access.ts";
import { clientOptions } from "./client.ts";
import type { Connectivity } from "./connectivity.ts";
import { explain, hasKafkaError, isUnknownTopic } from "./errors.ts";

export interface ExistingTopic {
  readonly partitions: number;
  readonly replicationFactor: number;
  /** By Kafka's own names; null when they may not be read. */
  readonly configs: ReadonlyMap<string, string> | null;
}

export async function createTopics(
  access: KafkaAccess,
  connectivity: Connectivity,
  specs: readonly TopicSpec[],
  patienceMs: number,
): Promise<readonly TopicReport[]> {
  const admin = new Admin(clientOptions(access));
  try {
    const reports: TopicReport[] = [];
    for (const spec of specs) {
      const what = `make topic ${spec.topic}`;
      reports.push(
        await connectivity.persist("topics", { what, patienceMs }, async () => createTopic(admin, spec)),
      );
    }
    return reports;
  } catch (error) {
    throw asLogError(error, access);
  } finally {
    connectivity.forget("topics");
    await admin.close();
  }
}

/** What a topic is now; null when it does not exist. */
export async function describeTopic(
  access: KafkaAccess,
  connectivity: Connectivity,
  topic: string,
  patienceMs: number,
): Promise<ExistingTopic | null> {
  const admin = new Admin(clientOptions(access));
  try {
    return await connectivity.persist("topics", { what: `describe topic ${topic}`, patienceMs }, async () =>
      existing(admin, topic),
    );
  } catch (error) {
    throw asLogError(error, access);
  } finally {
    connectivity.forget("topics");
    await admin.close();
  }
}

async function createTopic(admin: Admin, spec: TopicSpec): Promise<TopicReport> {
  const found = await existing(admin, spec.topic);
  if (found !== null)
    return {
      topic: spec.topic,
      created: false,
      partitions: found.partitions,
      differences: differences(spec, found),
    };
  try {
    await admin.createTopics({
      topics: [spec.topic],
      partitions: spec.partitions,
      replicas: spec.replicationFactor,
      configs: Object.entries(wantedConfigs(spec)).map(([name, value]) => ({ name, value })),
    });
  } catch (error) {
    // Someone else was faster: report theirs.
    if (hasKafkaError(error, "TOPIC_ALREADY_EXISTS")) return createTopic(admin, spec);
    if (hasKafkaError(error, "INVALID_REPLICATION_FACTOR")) {
      const brokers = (await admin.metadata({ topics: [], forceUpdate: true })).brokers.size;
      // A cluster that has just started counts itself too early.
      if (brokers === 0 || brokers >= spec.replicationFactor)
        throw new NetworkError("The brokers are not registered yet.");
      throw new LogError(
        "VELOSTREAM_LOG_REFUSED",
        `Topic ${spec.topic} cannot have ${spec.replicationFactor} replicas: the cluster has ${brokers} brokers. Lower --replication-factor.`,
        { cause: error },
      );
    }
    throw error;
  }
  return { topic: spec.topic, created: true, partitions: spec.partitions, differences: [] };
}

async function existing(admin: Admin, topic: string): Promise<ExistingTopic | null> {
  try {
    const metadata = await admin.metadata({ topics: [topic], forceUpdate: true });
    const found = metadata.topics.get(topic);
    if (found === undefined) return null;
    return {
      partitions: found.partitionsCount,
      replicationFactor: found.partitions[0]?.replicas.length ?? 0,
      configs: await configsOf(admin, topic),
    };
  } catch (error) {
    if (isUnknownTopic(error)) return null;
    throw error;
  }
}

async function configsOf(admin: Admin, topic: string): Promise<ReadonlyMap<string, string> | null> {
  try {
    const [found] = await admin.describeConfigs({
      resources: [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }],
    });
    return new Map((found?.configs ?? []).map((config) => [config.name, config.value ?? ""]));
  } catch (error) {
    // Reading settings is a right of its own; a topic can be used without it.
    if (hasKafkaError(error, "TOPIC_AUTHORIZATION_FAILED", "CLUSTER_AUTHORIZATION_FAILED")) return null;
    throw error;
  }
}

function wantedConfigs(spec: TopicSpec): Record<string, string> {
  return {
    "cleanup.policy": spec.cleanupPolicy,
    ...(spec.retentionMs === undefined ? {} : { "retention.ms": String(spec.retentionMs) }),
    ...spec.configs,
  };
}

/** One sentence per difference, saying what it costs. */
export function differences(spec: TopicSpec, found: ExistingTopic): string[] {
  const sentences: string[] = [];
  if (found.partitions !== spec.partitions)
    sentences.push(
      `${spec.topic} has ${found.partitions} partitions, ${spec.partitions} are wanted: ${
        found.partitions < spec.partitions
          ? `at most ${found.partitions} workers can share it`
          : "nothing is lost"
      }.`,
    );
  if (found.replicationFactor < spec.replicationFactor)
    sentences.push(
      `${spec.topic} has ${found.replicationFactor} replicas, ${spec.replicationFactor} are wanted: it survives the loss of ${found.replicationFactor - 1} brokers.`,
    );
  if (found.configs === null) {
    sentences.push(`The settings of ${spec.topic} may not be read by this user: they were not compared.`);
    return sentences;
  }
  const policy = found.configs.get("cleanup.policy") ?? "delete";
  for (const [name, wanted] of Object.entries(wantedConfigs(spec))) {
    const value = found.configs.get(name);
    if (value === undefined || value === wanted) continue;
    if (name === "cleanup.policy") sentences.push(policySentence(spec.topic, policy, wanted, found.configs));
    else sentences.push(`${spec.topic} has ${name}=${value}, ${wanted} is wanted.`);
  }
  return sentences;
}

function policySentence(
  topic: string,
  policy: string,
  wanted: string,
  configs: ReadonlyMap<string, string>,
): string {
  const days = Math.round(Number(configs.get("retention.ms") ?? "604800000") / 86_400_000);
  const cost =
    wanted === "compact"
      ? `every record is kept for ${days} days instead of the last one per key, so restores read more, and an area that did not change for longer is forgotten by late readers`
      : "records are kept until their key changes, instead of for a time";
  return `${topic} has cleanup.policy=${policy}, ${wanted} is wanted: ${cost}.`;
}

function asLogError(error: unknown, access: KafkaAccess): unknown {
  if (error instanceof LogError) return error;
  return new LogError(
    "VELOSTREAM_LOG_UNAVAILABLE",
    `Kafka at ${access.brokers.join(",")} does not answer: ${explain(error)}. Start it with \`npm run kafka\`, or omit --brokers.`,
    { cause: error },
  );
}
