/** One Fetch request: committed records of partitions that one broker leads, each from its offset. */
import type { KafkaClient } from "./client.ts";
import { refusal, responseOf } from "./errors.ts";
import type { FetchResponse } from "./fetch-response.ts";

const READ_COMMITTED = 1;
/** How long a broker holds the answer while there is nothing to read. */
const MAX_WAIT_MS = 250;
/** A backlog is worked off in few, large transactions: each costs as much as a thousand records. */
const MAX_BYTES = 32 * 1024 * 1024;
const MAX_PARTITION_BYTES = 16 * 1024 * 1024;
/** Session 0, epoch -1: a request without a session (KIP-227). */
const NO_SESSION = [0, -1] as const;

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/**
 * Asks the broker `leader` once.
 * @param topicName how the version that will be spoken calls a topic
 * @returns the answer, with the error when some partitions have one: it must not cost the others their records
 * @throws the client's error when nothing was answered, or no patience can mend it
 */
export async function sendFetch(
  client: KafkaClient,
  leader: number,
  positions: readonly FetchPosition[],
  topicName: (topic: string) => string,
): Promise<{ readonly answer: FetchResponse; readonly error: unknown }> {
  const topics = [...Map.groupBy(positions, ({ topic }) => topic)].map(([topic, list]) => ({
    topicId: topicName(topic),
    partitions: list.map(({ partition, offset }) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: BigInt(offset),
      lastFetchedEpoch: -1,
      partitionMaxBytes: MAX_PARTITION_BYTES,
    })),
  }));
  try {
    const answer = await client.call(
      { kind: "node", id: leader },
      "Fetch",
      MAX_WAIT_MS,
      1,
      MAX_BYTES,
      READ_COMMITTED,
      ...NO_SESSION,
      topics,
      [],
      "",
    );
    return { answer, error: null };
  } catch (error) {
    const answer = responseOf(error) as FetchResponse | undefined;
    if (answer?.errorCode === 0 && answer.responses.length > 0 && refusal(error) === null)
      return { answer, error };
    throw error;
  }
}
