/** Where partitions begin and end, as a read-committed reader sees them. */
import type { listOffsetsV7 } from "@platformatic/kafka";
import type { KafkaClient } from "./client.ts";
import { UnknownTopic } from "./errors.ts";

const CONSUMER = -1;
const READ_COMMITTED = 1;
/** ListOffsets' special timestamps. */
const LATEST = -1n;
const EARLIEST = -2n;

/** End of every partition of `topic`: where the first transaction still open begins, else its last record's successor. */
export async function endOffsets(client: KafkaClient, topic: string): Promise<Map<number, number>> {
  return listOffsets(client, topic, null, LATEST);
}

/** First offset still there, of every partition. */
export async function startOffsets(client: KafkaClient, topic: string): Promise<Map<number, number>> {
  return listOffsets(client, topic, null, EARLIEST);
}

export async function earliestOffset(client: KafkaClient, topic: string, partition: number): Promise<number> {
  return (await listOffsets(client, topic, [partition], EARLIEST)).get(partition) ?? 0;
}

export async function endOffset(client: KafkaClient, topic: string, partition: number): Promise<number> {
  return (await listOffsets(client, topic, [partition], LATEST)).get(partition) ?? 0;
}

/** Asks the leaders once; throws a retriable error, with leaders asked for anew, when one has moved. */
async function listOffsets(
  client: KafkaClient,
  topic: string,
  wanted: readonly number[] | null,
  timestamp: bigint,
): Promise<Map<number, number>> {
  const metadata = await client.topic(topic);
  if (metadata === null) throw new UnknownTopic(topic);
  const partitions = wanted ?? Array.from({ length: metadata.partitionCount }, (_, index) => index);
  const byLeader = Map.groupBy(partitions, (partition) => metadata.leaders[partition] ?? -1);
  try {
    const answers = await Promise.all(
      [...byLeader].map(async ([leader, list]) =>
        client.call({ kind: "node", id: leader }, "ListOffsets", CONSUMER, READ_COMMITTED, [
          {
            name: topic,
            partitions: list.map((partitionIndex) => ({ partitionIndex, currentLeaderEpoch: -1, timestamp })),
          },
        ]),
      ),
    );
    return new Map(answers.flatMap(offsetsOf));
  } catch (error) {
    await client.topic(topic, true).catch(() => null);
    throw error;
  }
}

function offsetsOf(answer: listOffsetsV7.ListOffsetsResponse): [number, number][] {
  return answer.topics.flatMap((topic) =>
    topic.partitions.map((part): [number, number] => [part.partitionIndex, Number(part.offset)]),
  );
}
