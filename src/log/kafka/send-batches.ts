/**
 * Sends batches to the leaders of their partitions, and finds the records for which a broker refuses one.
 *
 *   head of each partition ──▶ acknowledged
 *                          ├─▶ a passing error: waits on as it is
 *                          └─▶ refused ──the broker names records, or halving finds them──▶ told of, the rest waits on
 *                                          └── for its time, where another will do ──▶ the present, once
 */
import { NumericMap, type produceV9 } from "@platformatic/kafka";
import {
  type Batch,
  cut,
  type OnRefused,
  type ProducerIdentity,
  type Sequences,
  type WireRecord,
} from "./batches.ts";
import type { KafkaClient } from "./client.ts";
import { responseOf } from "./errors.ts";

/** All in-sync replicas. */
const ACKS_ALL = -1;
/** How long the leader waits for its followers. */
const REPLICATION_TIMEOUT_MS = 10_000;

const DUPLICATE_SEQUENCE_NUMBER = 46;
const INVALID_TIMESTAMP = 32;
/** What a broker refuses because of what is in a batch; it has written none of it. */
const REFUSED: ReadonlyMap<number, string> = new Map([
  [10, "MESSAGE_TOO_LARGE"],
  [18, "RECORD_LIST_TOO_LARGE"],
  [INVALID_TIMESTAMP, "INVALID_TIMESTAMP"],
  [87, "INVALID_RECORD"],
]);

type Part = produceV9.ProduceResponse["responses"][number]["partitionResponses"][number];

/** Acknowledged batches, with the offset after their last record (0 when the broker did not say). */
export type Acknowledged = ReadonlyMap<Batch, number>;

export interface SendOptions {
  readonly client: KafkaClient;
  readonly sequences: Sequences;
  readonly identity: ProducerIdentity;
  readonly nowMs: number;
  readonly onRefused: OnRefused;
}

/**
 * Sends the first waiting batch of each partition to its leader, once, and takes those acknowledged, and records that
 * are refused, out of `waiting`. Throws when nothing came of it, with the leaders asked for anew.
 */
export async function sendHeads(waiting: Batch[], options: SendOptions): Promise<Acknowledged> {
  const { client, sequences } = options;
  const batches = heads(waiting);
  const byLeader = new Map<number, Batch[]>();
  for (const batch of batches) {
    const leader = (await client.topic(batch.topic))?.leaders[batch.partition] ?? -1;
    byLeader.set(leader, [...(byLeader.get(leader) ?? []), batch]);
  }
  const acknowledged = new Map<Batch, number>();
  let divided = false;
  let failure: unknown = null;
  await Promise.all(
    [...byLeader].map(async ([leader, list]) => {
      try {
        const sent = await sendToLeader(leader, list, options);
        for (const [batch, endOffset] of sent.done) {
          acknowledged.set(batch, endOffset);
          waiting.splice(waiting.indexOf(batch), 1);
        }
        for (const [batch, part] of sent.refused) {
          const rest = restOf(batch, part, options);
          sequences.giveBack(batch, waiting);
          waiting.splice(waiting.indexOf(batch), 1, ...rest);
        }
        divided ||= sent.refused.size > 0;
        failure ??= sent.error;
      } catch (error) {
        failure ??= error;
      }
    }),
  );
  if (failure !== null) {
    for (const topic of new Set(batches.map((batch) => batch.topic)))
      await client.topic(topic, true).catch(() => null);
    // What was written is written; the caller sends the rest again and then sees what is wrong with it.
    if (acknowledged.size === 0 && !divided) throw failure;
  }
  return acknowledged;
}

/** The first waiting batch of each partition: at most one is under way, so that order holds whatever fails. */
function heads(batches: readonly Batch[]): Batch[] {
  return [...Map.groupBy(batches, (batch) => `${batch.topic}:${batch.partition}`).values()].flatMap((list) =>
    list.slice(0, 1),
  );
}

/** What is to be sent in place of a refused batch, in order. */
function restOf(batch: Batch, part: Part, { nowMs, identity, onRefused }: SendOptions): Batch[] {
  const { records } = batch;
  const named = new Set((part.recordErrors ?? []).map(({ batchIndex }) => batchIndex));
  const known = named.size > 0 && [...named].every((index) => index >= 0 && index < records.length);
  if (!known && records.length > 1) {
    const middle = Math.ceil(records.length / 2);
    return [...cut(records.slice(0, middle)), ...cut(records.slice(middle))];
  }
  const rest: WireRecord[] = [];
  for (const [index, record] of records.entries()) {
    if (known && !named.has(index)) rest.push(record);
    else if (part.errorCode === INVALID_TIMESTAMP && mayBeRestamped(record, nowMs, identity))
      rest.push({ ...record, timestamp: BigInt(nowMs), restamped: true });
    else onRefused(record.source, REFUSED.get(part.errorCode) ?? String(part.errorCode));
  }
  return cut(rest);
}

/**
 * Totals and rejects say their times in their values; an observation that is older than the topic takes is as good at a
 * later time of its record, but one from the future must not be made to look as if it were not.
 */
function mayBeRestamped(record: WireRecord, nowMs: number, { transactionalId }: ProducerIdentity): boolean {
  if (record.restamped) return false;
  return transactionalId !== undefined || record.source.expendable === true || record.timestamp < nowMs;
}

interface Sent {
  readonly done: Acknowledged;
  readonly refused: ReadonlyMap<Batch, Part>;
  /** Of the others, if there are any. */
  readonly error: unknown;
}

async function sendToLeader(
  leader: number,
  batches: readonly Batch[],
  { client, sequences, identity }: SendOptions,
): Promise<Sent> {
  const numbers = new NumericMap();
  for (const batch of batches) numbers.set(`${batch.topic}:${batch.partition}`, sequences.number(batch));
  try {
    const answer = await client.call(
      { kind: "node", id: leader },
      "Produce",
      ACKS_ALL,
      REPLICATION_TIMEOUT_MS,
      batches.flatMap((batch) => batch.records),
      { ...identity, sequences: numbers },
    );
    return { done: acknowledgedIn(answer, batches), refused: new Map(), error: null };
  } catch (error) {
    const answer = responseOf(error) as produceV9.ProduceResponse | undefined;
    if (answer?.responses === undefined) throw error;
    const done = acknowledgedIn(answer, batches);
    const refused = refusedIn(answer, batches);
    return { done, refused, error: done.size + refused.size === batches.length ? null : error };
  }
}

function refusedIn(answer: produceV9.ProduceResponse, batches: readonly Batch[]): Map<Batch, Part> {
  const parts = partsOf(answer);
  const refused = new Map<Batch, Part>();
  for (const batch of batches) {
    const part = parts.get(`${batch.topic}:${batch.partition}`);
    if (part !== undefined && REFUSED.has(part.errorCode)) refused.set(batch, part);
  }
  return refused;
}

function partsOf(answer: produceV9.ProduceResponse): ReadonlyMap<string, Part> {
  return new Map(
    answer.responses.flatMap((topic) =>
      topic.partitionResponses.map((part) => [`${topic.name}:${part.index}`, part] as const),
    ),
  );
}

function acknowledgedIn(answer: produceV9.ProduceResponse, batches: readonly Batch[]): Map<Batch, number> {
  const parts = partsOf(answer);
  const done = new Map<Batch, number>();
  for (const batch of batches) {
    const part = parts.get(`${batch.topic}:${batch.partition}`);
    // A duplicate was written by an earlier try whose answer was lost.
    if (part?.errorCode === 0 || part?.errorCode === DUPLICATE_SEQUENCE_NUMBER)
      done.set(batch, part.baseOffset < 0n ? 0 : Number(part.baseOffset) + batch.records.length);
  }
  return done;
}
