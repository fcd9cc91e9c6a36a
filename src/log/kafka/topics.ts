/** Making topics, and saying how existing ones differ from what is wanted: they are never changed. */
import { Admin, ConfigResourceTypes } from "@platformatic/kafka";
import { LogError } from "../../errors.ts";
import type { TopicReport, TopicSpec } from "../../ports.ts";
import type { KafkaAccess } from "./access.ts";
import { clientOptions, type KafkaClient } from "./client.ts";
import type { Connectivity } from "./connectivity.ts";
import { closedBy, explain, hasKafkaError, isRetriable, isVague, NotNow } from "./errors.ts";
import { startOffsets } from "./offsets.ts";

/** A topic as it is, for `topics list`. */
export interface TopicState {
  readonly topic: string;
  readonly exists: boolean;
  readonly partitions: number;
  readonly replicationFactor: number;
  /** `compact`, `delete` or both; null when it may not be read. */
  readonly cleanupPolicy: string | null;
  readonly differences: readonly string[];
}

export interface ExistingTopic {
  readonly partitions: number;
  readonly replicationFactor: number;
  /** By Kafka's own names; null when they may not be read. */
  readonly configs: ReadonlyMap<string, string> | null;
}

/** Makes what is missing; a topic that was made can be used at every broker when this resolves. */
export async function createTopics(
  access: KafkaAccess,
  client: KafkaClient,
  connectivity: Connectivity,
  specs: readonly TopicSpec[],
  patienceMs: number,
): Promise<readonly TopicReport[]> {
  return withAdmin({ access, client, connectivity, patienceMs }, async (admin) => {
    const reports: TopicReport[] = [];
    for (const spec of specs) {
      const report = await connectivity
        .persist("topics", { what: `make topic ${spec.topic}`, patienceMs }, async () =>
          createTopic(admin, client, spec),
        )
        .catch((error: unknown) => withoutTopic(spec, error));
      if (report.created) await settled(client, connectivity, spec.topic);
      reports.push(report);
    }
    return reports;
  });
}

/** What goes on without a topic that may not be made, or not be looked at. @throws the error where it cannot */
function withoutTopic({ topic, expendable }: TopicSpec, error: unknown): TopicReport {
  if (expendable !== true || isRetriable(error)) throw error;
  return { topic, created: false, partitions: 0, differences: [`cannot be had: ${explain(error)}`] };
}

/** Longer than any healthy cluster takes to spread the word; whoever uses the topic then is patient too. */
const SETTLE_PATIENCE_MS = 10_000;

/**
 * The controller answers when it has written a topic down; each broker hears of it in its own time, and until then
 * says that there is no such topic.
 */
async function settled(client: KafkaClient, connectivity: Connectivity, topic: string): Promise<void> {
  const what = `see topic ${topic} at every broker`;
  await connectivity
    .persist("topics", { what, patienceMs: SETTLE_PATIENCE_MS }, async () => {
      await Promise.all((await client.brokerIds()).map(async (id) => knownAt(client, id, topic)));
      // Leaders may be named before they host their partitions.
      await startOffsets(client, topic);
    })
    .catch((error: unknown) => {
      // The topic is there: a broker that is slow, or a right that is missing, is for those who use it.
      if (!isRetriable(error) && !(error instanceof LogError)) throw error;
    });
}

async function knownAt(client: KafkaClient, id: number, topic: string): Promise<void> {
  const answer = await client.call({ kind: "node", id }, "Metadata", [topic], false, false);
  const leaders = answer.topics.flatMap(({ partitions }) => partitions.map(({ leaderId }) => leaderId));
  if (leaders.length === 0 || leaders.some((leader) => leader < 0))
    throw new NotNow(`Broker ${id} knows no leader of topic ${topic} yet.`);
}

/** What the topics are now, beside what is wanted. */
export async function describeTopics(
  access: KafkaAccess,
  client: KafkaClient,
  connectivity: Connectivity,
  specs: readonly TopicSpec[],
  patienceMs: number,
): Promise<readonly TopicState[]> {
  return withAdmin({ access, client, connectivity, patienceMs }, async (admin) => {
    const states: TopicState[] = [];
    for (const spec of specs) {
      let without: readonly string[] = [];
      const found = await connectivity
        .persist("topics", { what: `describe topic ${spec.topic}`, patienceMs }, async () =>
          existing(admin, client, spec.topic),
        )
        .catch((error: unknown) => {
          without = withoutTopic(spec, error).differences;
          return null;
        });
      states.push({
        topic: spec.topic,
        exists: found !== null,
        partitions: found?.partitions ?? 0,
        replicationFactor: found?.replicationFactor ?? 0,
        cleanupPolicy: found?.configs?.get("cleanup.policy") ?? null,
        differences: found === null ? without : differences(spec, found),
      });
    }
    return states;
  });
}

export interface AdminOptions {
  readonly access: KafkaAccess;
  readonly client: KafkaClient;
  readonly connectivity: Connectivity;
  readonly patienceMs: number;
}

async function withAdmin<T>(
  { access, client, connectivity, patienceMs }: AdminOptions,
  act: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = new Admin(clientOptions(access));
  try {
    // Ours first: of a refused certificate the admin client says only that its connection was closed.
    await connectivity.persist("topics", { what: "reach Kafka", patienceMs }, async () => client.brokerIds());
    return await act(admin);
  } catch (error) {
    throw unavailable(error, access);
  } finally {
    connectivity.forget("topics");
    await admin.close();
  }
}

/** Members of a consumer group now; null where that may not be read. */
export async function groupMembers(options: AdminOptions, group: string): Promise<number | null> {
  return withAdmin(options, async (admin) => {
    try {
      const groups = await admin.describeGroups({ groups: [group] });
      return groups.get(group)?.members.size ?? 0;
    } catch (error) {
      // Newer brokers say so of a group that has never been; older ones call it dead.
      if (hasKafkaError(error, "GROUP_ID_NOT_FOUND")) return 0;
      if (hasKafkaError(error, "GROUP_AUTHORIZATION_FAILED")) return null;
      throw error;
    }
  });
}

async function createTopic(admin: Admin, client: KafkaClient, spec: TopicSpec): Promise<TopicReport> {
  const found = await existing(admin, client, spec.topic);
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
    if (hasKafkaError(error, "TOPIC_ALREADY_EXISTS")) return createTopic(admin, client, spec);
    if (hasKafkaError(error, "INVALID_REPLICATION_FACTOR")) {
      const brokers = (await admin.metadata({ topics: [], forceUpdate: true })).brokers.size;
      // A cluster that has just started counts itself too early.
      if (brokers === 0 || brokers >= spec.replicationFactor)
        throw new NotNow("The brokers are not registered yet.");
      throw new LogError(
        "VELOSTREAM_LOG_REFUSED",
        `Topic ${spec.topic} cannot have ${spec.replicationFactor} replicas: the cluster has ${count(brokers, "broker")}. Lower --replication-factor.`,
        { cause: error },
      );
    }
    throw error;
  }
  return { topic: spec.topic, created: true, partitions: spec.partitions, differences: [] };
}

async function existing(admin: Admin, client: KafkaClient, topic: string): Promise<ExistingTopic | null> {
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
    if (!isVague(error)) throw error;
    if ((await client.topic(topic, true)) === null) return null;
    // A broker that has just started did not know it yet, and now does: what was asked may be asked again.
    throw new NotNow(`Topic ${topic} could not be described.`);
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

/** What differs, and what it costs; each goes on after the topic's name, and has no full stop. */
export function differences(spec: TopicSpec, found: ExistingTopic): string[] {
  const phrases: string[] = [];
  if (found.partitions !== spec.partitions && spec.partitionsByDefault !== true)
    phrases.push(
      `has ${count(found.partitions, "partition")}, ${spec.partitions} were asked for${
        found.partitions < spec.partitions
          ? `: at most ${count(found.partitions, "worker")} can share it`
          : ""
      }`,
    );
  if (found.replicationFactor < spec.replicationFactor)
    phrases.push(
      `has ${count(found.replicationFactor, "replica")}, ${spec.replicationFactor} were asked for: it survives the loss of ${count(found.replicationFactor - 1, "broker")}`,
    );
  // Reading them is a right that no stage needs; `topics list` says that they are not readable.
  if (found.configs === null) return phrases;
  for (const [name, wanted] of Object.entries(wantedConfigs(spec))) {
    const value = found.configs.get(name);
    if (value === undefined || value === wanted) continue;
    const cost = costOf(name, wanted, found.configs);
    phrases.push(`has ${name}=${value}, ${wanted} is wanted${cost === null ? "" : `: ${cost}`}`);
  }
  return phrases;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function costOf(name: string, wanted: string, configs: ReadonlyMap<string, string>): string | null {
  if (name === "min.compaction.lag.ms")
    return "a worker that restores may find records gone that it had summed, and puts out every area anew";
  if (name !== "cleanup.policy") return null;
  if (wanted === "delete") return "rejects are kept until their key is written again, instead of for a time";
  const days = Math.round(Number(configs.get("retention.ms") ?? SEVEN_DAYS_MS) / 86_400_000);
  return `every record is kept for ${days} days instead of the last one per key, so restores read more, and what did not change for longer is forgotten`;
}

/** Kafka's default retention. */
const SEVEN_DAYS_MS = 604_800_000;

/** What to tell a user whose brokers do not answer; anything else as it is. */
export function unavailable(error: unknown, access: KafkaAccess): unknown {
  if (error instanceof LogError || !isRetriable(error)) return error;
  const closed = closedBy(error, access);
  return new LogError(
    "VELOSTREAM_LOG_UNAVAILABLE",
    closed === null
      ? `Kafka at ${access.brokers.join(",")} does not answer: ${explain(error)}. Check the address, or start a broker here with \`npm run kafka\`.`
      : `Kafka at ${access.brokers.join(",")} cannot be used: ${closed}.`,
    { cause: error },
  );
}
