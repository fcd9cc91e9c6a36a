/**
 * Reads partitions from their leaders, committed records only, for ever: leaders move, brokers die, we go on.
 *
 *   add(position) ──▶ idle ──fetch──▶ in flight ──answer──▶ ready ──next()──▶ the caller, position advanced ──▶ idle
 *                      ▲                  └── error: wait, ask for leaders again ──┘
 *
 * At most one answer per leader is held, so memory is bounded whatever the backlog. Fetch sessions are not used:
 * every request says all it wants, and nothing has to be repaired after an error.
 */
import type { Clock, Logger } from "../../ports.ts";
import type { KafkaClient, TopicMetadata } from "./client.ts";
import { committedRecords, type CommittedRecords } from "./committed-records.ts";
import type { Connectivity } from "./connectivity.ts";
import { sendFetch } from "./fetch-request.ts";
import type { FetchResponsePartition } from "./fetch-response.ts";
import { hasKafkaError, isRetriable, refusal } from "./errors.ts";

/** Answers held while the caller is busy with one. */
const MAX_READY = 1;

export interface FetchedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly committed: CommittedRecords;
  /** The memory of the answer, shared by all its partitions (answer-blocks.ts). */
  readonly block: Buffer;
  /** End of what read-committed readers may see, as of this answer. */
  readonly stableOffset: number;
}

interface Position {
  readonly topic: string;
  readonly partition: number;
  offset: number;
  /** Of the topic that the offset belongs to; null before the first look. */
  topicId: string | null;
  inFlight: boolean;
}

export interface FetcherOptions {
  readonly client: KafkaClient;
  readonly connectivity: Connectivity;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name for the connectivity state. */
  readonly role: string;
  /**
   * Told, once, that a position is none in the topic as it is now: it was made again, or lost what was there. The
   * partition is not read any more.
   */
  readonly onReplaced: (topic: string, partition: number) => void;
}

export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #positions = new Map<string, Position>();
  readonly #busyNodes = new Set<number>();
  readonly #ready: { position: Position; fetched: FetchedPartition }[][] = [];
  readonly #closed = new AbortController();
  #failure: unknown = null;
  #failures = 0;
  #dispatching = false;
  #woken = false;
  #notify: () => void = () => {};

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  add(topic: string, partition: number, offset: number): void {
    this.#positions.set(`${topic}:${partition}`, {
      topic,
      partition,
      offset,
      topicId: null,
      inFlight: false,
    });
    this.wake();
  }

  /** Answers still under way for it are dropped. */
  remove(topic: string, partition: number): void {
    this.#positions.delete(`${topic}:${partition}`);
  }

  /** Makes a waiting `next` return, with nothing if there is nothing. */
  wake(): void {
    this.#woken = true;
    this.#notify();
  }

  close(): void {
    this.#closed.abort();
    this.#positions.clear();
    this.#options.connectivity.forget(this.#options.role);
    this.wake();
  }

  /** The next answers of some leader; empty when woken. Rejects only when reading can never succeed. */
  async next(): Promise<readonly FetchedPartition[]> {
    await this.#dispatch();
    if (this.#ready.length === 0 && !this.#woken)
      await new Promise<void>((resolve) => (this.#notify = resolve));
    this.#notify = () => {};
    this.#woken = false;
    if (this.#failure !== null) throw this.#failure;
    return (this.#ready.shift() ?? [])
      .filter(({ position }) => this.#isCurrent(position))
      .map(({ fetched }) => fetched);
  }

  /** False once it was taken away, or given again from elsewhere. */
  #isCurrent(position: Position): boolean {
    return this.#positions.get(`${position.topic}:${position.partition}`) === position;
  }

  /** Starts a fetch at every leader that has idle partitions and none under way. */
  async #dispatch(): Promise<void> {
    // Answers that wait to be taken are back-pressure: nothing more is asked for.
    if (this.#dispatching || this.#closed.signal.aborted || this.#ready.length >= MAX_READY) return;
    this.#dispatching = true;
    try {
      const metadata = new Map<string, TopicMetadata | null>();
      const byLeader = new Map<number, Position[]>();
      let unreachable = false;
      for (const position of this.#positions.values()) {
        if (position.inFlight) continue;
        if (!metadata.has(position.topic))
          metadata.set(position.topic, await this.#options.client.topic(position.topic));
        const { id = null, leaders = [] } = metadata.get(position.topic) ?? {};
        const leader = leaders[position.partition] ?? -1;
        if (leader >= 0 && position.topicId !== id) {
          // Made anew under the same name: its offsets count from the start again.
          if (position.topicId !== null) {
            this.#replaced(position);
            continue;
          }
          position.topicId = id;
        }
        if (leader < 0) unreachable = true;
        else if (!this.#busyNodes.has(leader))
          byLeader.set(leader, [...(byLeader.get(leader) ?? []), position]);
      }
      for (const [leader, positions] of byLeader) void this.#fetch(leader, positions, metadata);
      if (unreachable && byLeader.size === 0 && this.#busyNodes.size === 0) void this.#refreshLater();
    } catch (error) {
      this.#failed(error);
      if (this.#failure === null) void this.#refreshLater();
    } finally {
      this.#dispatching = false;
    }
  }

  async #fetch(
    leader: number,
    positions: readonly Position[],
    metadata: ReadonlyMap<string, TopicMetadata | null>,
  ): Promise<void> {
    const { client, connectivity, role } = this.#options;
    this.#busyNodes.add(leader);
    for (const position of positions) position.inFlight = true;
    try {
      const version = await client.version({ kind: "node", id: leader }, "Fetch");
      // Fetch knows topics by name up to version 12, by id from 13 on.
      const name = (topic: string): string => (version <= 12 ? topic : (metadata.get(topic)?.id ?? topic));
      const byName = new Map([...metadata.keys()].map((topic) => [name(topic), topic] as const));
      const { answer, error } = await sendFetch(client, leader, positions, name);
      const ready: { position: Position; fetched: FetchedPartition }[] = [];
      let stale = false;
      for (const { topicId, partitions } of answer.responses)
        for (const part of partitions) {
          const topic = byName.get(topicId);
          const position = positions.find((p) => p.topic === topic && p.partition === part.partitionIndex);
          // Only a position that is still the one we asked for may be moved.
          if (position === undefined || !this.#isCurrent(position)) continue;
          if (part.errorCode !== 0) stale = this.#partitionError(position, part.errorCode) || stale;
          else ready.push({ position, fetched: this.#advance(position, part, answer.block) });
        }
      if (stale) {
        // A leader that moves is back at once; a topic that is gone is not, and must be told of.
        connectivity.failed(role, error);
        await this.#refresh(metadata.keys());
        await connectivity.pause(1, this.#closed.signal);
      } else {
        this.#failures = 0;
        connectivity.succeeded(role);
      }
      if (ready.length > 0) this.#ready.push(ready);
    } catch (error) {
      this.#failed(error);
      if (this.#failure === null) {
        await connectivity.pause(this.#failures, this.#closed.signal);
        await this.#refresh(metadata.keys()).catch(() => null);
      }
    } finally {
      this.#busyNodes.delete(leader);
      for (const position of positions) position.inFlight = false;
      // Reads ahead while the caller works.
      void this.#dispatch();
      this.wake();
    }
  }

  #advance(position: Position, part: FetchResponsePartition, block: Buffer): FetchedPartition {
    const committed = committedRecords(
      position.topic,
      position.partition,
      position.offset,
      part.records,
      part.abortedTransactions,
    );
    position.offset = committed.nextOffset;
    // To the end of the line: an answer is filled in the order that is asked for, and a backlog must not fill all.
    if (part.records.length > 0) {
      const key = `${position.topic}:${position.partition}`;
      this.#positions.delete(key);
      this.#positions.set(key, position);
    }
    return {
      topic: position.topic,
      partition: position.partition,
      committed,
      block,
      stableOffset: Number(part.lastStableOffset >= 0n ? part.lastStableOffset : part.highWatermark),
    };
  }

  /** Returns whether leaders must be asked for again. */
  #partitionError(position: Position, code: number): boolean {
    if (code === OFFSET_OUT_OF_RANGE) {
      this.#replaced(position);
      return false;
    }
    // Where topics have no ids, one that was gone for a moment may be another now: whoever can tell is asked.
    if (code === UNKNOWN_TOPIC_OR_PARTITION && position.topicId === position.topic) this.#replaced(position);
    return true;
  }

  /** Asks for the leaders of all topics anew: brokers that moved one partition have mostly moved others. */
  async #refresh(topics: Iterable<string>): Promise<void> {
    await Promise.all([...new Set(topics)].map(async (topic) => this.#options.client.topic(topic, true)));
  }

  #replaced(position: Position): void {
    this.remove(position.topic, position.partition);
    this.#options.onReplaced(position.topic, position.partition);
    this.wake();
  }

  #failed(error: unknown): void {
    const topics = new Set([...this.#positions.values()].map(({ topic }) => topic));
    const final = refusal(error, `read ${[...topics].join(", ")}`);
    const passing = isRetriable(error) || hasKafkaError(error, "FETCH_SESSION_ID_NOT_FOUND");
    if (final !== null || !passing) {
      this.#failure = final ?? error;
      this.wake();
      return;
    }
    this.#failures += 1;
    this.#options.connectivity.failed(this.#options.role, error);
  }

  async #refreshLater(): Promise<void> {
    const topics = [...this.#positions.values()].map((position) => position.topic);
    await this.#options.connectivity.pause(this.#failures, this.#closed.signal);
    await this.#refresh(topics).catch(() => null);
    this.wake();
  }
}

const OFFSET_OUT_OF_RANGE = 1;
const UNKNOWN_TOPIC_OR_PARTITION = 3;
