/**
 * What members of a group tell each other (Kafka's consumer protocol, so that Kafka's own tools can show it):
 * what each holds, and what the leader gives each.
 */
import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
  type joinGroupV9,
} from "@platformatic/kafka";
import { assignPartitions } from "./assignor.ts";

/** Carries owned partitions and their generation (KIP-429, KIP-792). */
const SUBSCRIPTION_VERSION = 2;
const ASSIGNMENT_VERSION = 0;

export interface EncodedShare {
  readonly memberId: string;
  readonly assignment: Buffer;
}

export function encodeSubscription(
  topic: string,
  owned: readonly number[],
  heldGenerationId: number,
): Buffer {
  return encodeConsumerProtocolSubscription({
    version: SUBSCRIPTION_VERSION,
    topics: [topic],
    ownedPartitions: owned.length === 0 ? [] : [{ topic, partitions: [...owned] }],
    generationId: owned.length === 0 ? -1 : heldGenerationId,
  });
}

/** The leader's part: every member's share of the topic. */
export function shareTopic(
  topic: string,
  partitionCount: number,
  members: readonly joinGroupV9.JoinGroupResponseMember[],
): EncodedShare[] {
  const shares = assignPartitions(
    partitionCount,
    members.map((member) => {
      const { ownedPartitions, generationId } = decodeConsumerProtocolSubscription(member.metadata);
      const owned = ownedPartitions.find((each) => each.topic === topic)?.partitions ?? [];
      return { memberId: member.memberId, owned, generationId };
    }),
  );
  return [...shares].map(([memberId, partitions]) => ({
    memberId,
    assignment: encodeConsumerProtocolAssignment({
      version: ASSIGNMENT_VERSION,
      assignedPartitions: partitions.length === 0 ? [] : [{ topic, partitions: [...partitions] }],
    }),
  }));
}

export function decodeShare(topic: string, assignment: Buffer): readonly number[] {
  if (assignment.length === 0) return [];
  const { assignedPartitions } = decodeConsumerProtocolAssignment(assignment);
  return assignedPartitions.find((each) => each.topic === topic)?.partitions ?? [];
}
