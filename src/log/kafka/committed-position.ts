/** Where a consumer group stands in a partition. */
import type { offsetFetchV8 } from "@platformatic/kafka";
import type { KafkaClient } from "./client.ts";
import type { Connectivity } from "./connectivity.ts";
import { isStaleCoordinator } from "./errors.ts";
import { decodeNote, type NotedPosition } from "./position-note.ts";

export interface GroupPosition {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

/** The committed position, or null when there is none; waits while an open transaction may still move it. */
export async function committedPosition(
  client: KafkaClient,
  connectivity: Connectivity,
  role: string,
  { group, topic, partition }: GroupPosition,
  wait: { readonly signal?: AbortSignal; readonly patienceMs?: number } = {},
): Promise<NotedPosition | null> {
  return connectivity.persist(
    role,
    {
      what: `read the position of group ${group} in ${topic}`,
      ...wait,
      onFailure: (error) => {
        if (isStaleCoordinator(error)) client.forgetCoordinator("group", group);
      },
    },
    async () => {
      const answer = await client.call(
        { kind: "group", key: group },
        "OffsetFetch",
        [
          {
            groupId: group,
            memberId: null,
            memberEpoch: -1,
            topics: [{ name: topic, partitionIndexes: [partition] }],
          },
        ],
        true,
      );
      const found = topicsOf(answer)
        .find((each) => each.name === topic)
        ?.partitions.find((part) => part.partitionIndex === partition);
      if (found === undefined || found.committedOffset < 0n) return null;
      return { offset: Number(found.committedOffset), note: decodeNote(found.metadata ?? null) };
    },
  );
}

type Topics = readonly offsetFetchV8.OffsetFetchResponseTopic[];

/** Before version 8 an answer was about one group, and its topics lay at the top. */
function topicsOf(answer: offsetFetchV8.OffsetFetchResponse): Topics {
  const older = answer as unknown as { readonly topics?: Topics };
  return older.topics ?? answer.groups[0]?.topics ?? [];
}
