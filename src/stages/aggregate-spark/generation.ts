/** A generation of the query: its size, taken from the topic as it is, and a checkpoint folder of its own. */
import { randomUUID } from "node:crypto";
import { ConfigError } from "../../errors.ts";
import type { Clock, Log, ProduceRecord, TopicNames } from "../../ports.ts";
import { QUERY_VERSION, type QueryRecord } from "./query-record.ts";
import { MOST_SLOTS } from "./plan.ts";
import { inspectRaw, type Offsets } from "./raw-inspection.ts";

/** A small city's largest area, with room. */
const LEAST_SLOTS = 32;
const SLOTS_STEP = 16;
const HEAD_ROOM = 1.25;

export interface GenerationInput {
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Pick<Clock, "now">;
  /** Folder for checkpoints, as Spark sees it: a path or a URI. */
  readonly checkpoints: string;
  /** Rejects below these raw offsets were reported before. */
  readonly reportFrom: Offsets;
  /** At least so many slots: what a running query met. */
  readonly slotsSeen: number;
}

export interface Generation {
  readonly record: QueryRecord;
  readonly rejects: readonly ProduceRecord[];
}

/** Reads the raw topic once and decides. @throws ConfigError when Spark is not for this topic */
export async function newGeneration(input: GenerationInput): Promise<Generation> {
  const { log, topics, clock } = input;
  const seen = await inspectRaw(log, topics, "earliest", input.reportFrom);
  if (seen.usable === 0 && seen.reference > 0)
    throw new ConfigError(
      `Topic ${topics.raw} holds the reference producer's records, which have no postcode and no slot: Spark cannot sum them. Collect with \`velostream collect\`, or aggregate with --engine node.`,
    );
  if (seen.tooLarge !== null) throw areaTooLarge(topics.raw, seen.tooLarge);
  const needed = Math.max(seen.maxSlot, input.slotsSeen) + 1;
  const generation = `${new Date(clock.now()).toISOString().replace(/[-:.]/g, "").toLowerCase()}-${randomUUID().slice(0, 8)}`;
  const folder = input.checkpoints.replace(/\/+$/, "");
  return {
    rejects: seen.rejects,
    record: {
      version: QUERY_VERSION,
      rawTopic: topics.raw,
      totalsTopic: topics.totals,
      generation,
      checkpoint: `${folder}/${generation}`,
      slots: slotsFor(needed),
      partitions: Math.max(1, seen.partitions),
      floors: Array.from({ length: seen.partitions }, (_, partition) => (seen.next.get(partition) ?? 0) - 1),
      started: false,
      handedOver: false,
      sessionId: randomUUID(),
      queryId: null,
      runId: null,
      covered: Object.fromEntries(seen.next),
    },
  };
}

/** For an area that really has more stations than the query on Spark can hold. */
export function areaTooLarge(topic: string, area: string): ConfigError {
  return new ConfigError(
    `Area ${area} of topic ${topic} has more than ${MOST_SLOTS} places for stations, for which the query on Spark is not made. Aggregate with --engine node, or make areas smaller with --areas.`,
  );
}

/** With room to grow, in steps, so that a station more or less is no new plan. */
export function slotsFor(needed: number): number {
  const roomy = Math.max(LEAST_SLOTS, Math.ceil((needed * HEAD_ROOM) / SLOTS_STEP) * SLOTS_STEP);
  return Math.min(MOST_SLOTS, roomy);
}
