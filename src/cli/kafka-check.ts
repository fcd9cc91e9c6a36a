/** What `doctor` finds out about Kafka: the topics, who writes the totals, and the group's workers. */
import { decodeWriter, isSameWriter, nameOfWriter, newestWriter } from "../record/totals-writer.ts";
import type { TotalsWriter } from "../record/totals-writer.ts";
import type { GroupLag, KafkaLog } from "../log/kafka/kafka-log.ts";
import { counted } from "../telemetry/counted.ts";
import type { CommandContext } from "./command.ts";
import type { Finding } from "./finding.ts";
import { topicNames } from "../session/open-log.ts";

export async function checkKafka(context: CommandContext): Promise<Finding> {
  const { settings } = context;
  // Loaded only where it is used: Kafka's client takes 50 MB.
  const { withKafka } = await import("./kafka-briefly.ts");
  return withKafka(context, async (log) => {
    const topics = topicNames(settings);
    const counts: string[] = [];
    const missing: string[] = [];
    for (const topic of Object.values(topics)) {
      const partitions = await log.partitionCount(topic);
      if (partitions === null) missing.push(topic);
      else counts.push(`${topic} (${counted(partitions, "partition")})`);
    }
    const brokers = settings.brokers?.join(", ") ?? "";
    if (missing.length > 0)
      return {
        ok: false,
        says: `Kafka at ${brokers} answers, but has no topic ${missing.join(", ")}. Make them with "velostream topics create".`,
      };
    const work = describeWork(await workOf(log, settings.group, topics));
    return { ok: work.ok, says: `Kafka at ${brokers}: ${counts.join(", ")}; ${work.says}.` };
  });
}

/** Who aggregates, as Kafka tells it. */
export interface Work {
  readonly group: string;
  /** Workers of the group now; null where that may not be read. */
  readonly members: number | null;
  readonly lag: readonly GroupLag[];
  /** By the totals themselves; null where none says. */
  readonly writer: TotalsWriter | null;
}

async function workOf(
  log: KafkaLog,
  group: string,
  topics: { readonly raw: string; readonly totals: string },
): Promise<Work> {
  const last = await log.lastRecords(topics.totals);
  return {
    group,
    members: await log.groupMembers(group),
    lag: await log.groupLag(group, topics.raw),
    writer: newestWriter(last.map(({ headers }) => decodeWriter(headers["writer"]))),
  };
}

/** In half sentences; not ok when two write. */
export function describeWork({ group, members, lag, writer }: Work): Finding {
  const ours = writer === null || isSameWriter(writer, { engine: "node", group });
  const written = writer === null ? [] : [`the totals are written by ${nameOfWriter(writer)}`];
  if (members === null) return { ok: true, says: [...written, describeLag(group, lag)].join("; ") };
  if (members === 0) {
    const none = `group ${group} has no worker now`;
    // Nobody expects it to have read anything.
    return { ok: true, says: [...written, ...(ours ? [describeLag(group, lag), none] : [none])].join("; ") };
  }
  const workers = `${describeLag(group, lag)}, with ${counted(members, "worker")}`;
  return ours
    ? { ok: true, says: [...written, workers].join("; ") }
    : {
        ok: false,
        says: `${[...written, workers].join("; ")}: two writers send totals backwards, so stop one of them`,
      };
}

/** Where the workers are, in half a sentence. */
export function describeLag(group: string, lag: readonly GroupLag[]): string {
  const behind = lag.filter(({ lagRecords }) => lagRecords > 0);
  if (behind.length === 0) return `group ${group} is up to date`;
  const records = behind.reduce((sum, { lagRecords }) => sum + lagRecords, 0);
  if (lag.every(({ committedOffset }) => committedOffset === null))
    return `group ${group} has read none of ${counted(records, "record")} yet`;
  const parts = behind.map(({ partition, lagRecords }) => `partition ${partition}: ${lagRecords}`);
  return `group ${group} is ${counted(records, "record")} behind (${parts.join(", ")})`;
}
