/**
 * Where a reader stands in its topics. A topic that is made again under its name is another: everything of it is read
 * from its start, whatever was read before.
 *
 *   position ──▶ gone from the topic ──▶ the topic has another id, was away, or ends before it? ──yes──▶ made again
 *                                                  │ no
 *                                                  ▼
 *                                      retention took it: on from the topic's start
 */
import type { ReadOptions } from "../../ports.ts";
import type { KafkaClient } from "./client.ts";
import type { Connectivity } from "./connectivity.ts";
import type { Fetcher } from "./fetcher.ts";
import { MissingRecordsFinder } from "./missing-records.ts";
import { endOffsets, startOffsets } from "./offsets.ts";
import { differs } from "./position-note.ts";

/** Position and goal of one partition. */
export interface Progress {
  readonly topic: string;
  readonly partition: number;
  position: number;
  end: number;
  readonly finder: MissingRecordsFinder;
}

export interface ReadProgressOptions {
  readonly client: KafkaClient;
  readonly connectivity: Connectivity;
  readonly role: string;
  readonly read: ReadOptions;
  readonly fetcher: Fetcher;
}

export class ReadProgress {
  readonly #options: ReadProgressOptions;
  readonly #partitions = new Map<string, Progress>();
  readonly #ids = new Map<string, string>();
  /** Partitions whose position is none any more, by topic. */
  readonly #lost = new Map<string, Set<number>>();
  /** Topics that the cluster did not know when it was asked. */
  readonly #away = new Set<string>();

  constructor(options: ReadProgressOptions) {
    this.#options = options;
  }

  /** Ids of the topics that are read, where the brokers have any. */
  get topicIds(): ReadonlyMap<string, string> {
    return new Map(this.#ids);
  }

  get isCaughtUp(): boolean {
    for (const { position, end } of this.#partitions.values()) if (position < end) return false;
    return true;
  }

  of(topic: string, partition: number): Progress | undefined {
    return this.#partitions.get(`${topic}:${partition}`);
  }

  /** Goes to where the read is to begin. @returns the topics that are others than those that positions are given in */
  async begin(): Promise<readonly string[]> {
    const { read } = this.#options;
    const replaced: string[] = [];
    for (const topic of read.topics) {
      const { id, starts, ends } = await this.#look(topic);
      const other = differs(read.topicIds?.get(topic), id);
      if (other) replaced.push(topic);
      this.#setId(topic, id);
      for (const [partition, end] of ends) {
        const start = starts.get(partition) ?? 0;
        const { from } = read;
        if (from === "latest") this.#add(topic, partition, end, { end, asked: end });
        else {
          const asked = from === "earliest" || other ? 0 : (from.get(`${topic}:${partition}`) ?? 0);
          this.#add(topic, partition, Math.max(start, asked), { end, asked });
        }
      }
    }
    return replaced;
  }

  /** A drain: the ends as they are now are where the read stops. */
  async moveEnds(): Promise<void> {
    for (const topic of this.#options.read.topics) {
      const { ends } = await this.#look(topic);
      for (const [partition, end] of ends) {
        const state = this.of(topic, partition);
        if (state !== undefined) state.end = end;
        // Added since we last looked.
        else this.#add(topic, partition, 0, { end, asked: 0 });
      }
    }
  }

  /** A partition that was added after the read began is read from its start: all in it is new. */
  async addNewPartitions(): Promise<void> {
    for (const topic of this.#options.read.topics) {
      const metadata = await this.#options.client.topic(topic).catch(() => null);
      for (let partition = 0; partition < (metadata?.partitionCount ?? 0); partition += 1)
        if (this.of(topic, partition) === undefined) this.#add(topic, partition, 0, { end: 0, asked: 0 });
    }
  }

  /** The fetcher found a position to be none any more. */
  lose(topic: string, partition: number): void {
    this.#lost.set(topic, (this.#lost.get(topic) ?? new Set()).add(partition));
  }

  /** Goes on with what was lost. @returns the topics that were made again: they are read from their start from here on */
  async settle(): Promise<readonly string[]> {
    const replaced: string[] = [];
    for (const [topic, partitions] of this.#lost)
      if (await this.#settle(topic, partitions)) replaced.push(topic);
    return replaced;
  }

  /** @returns whether the topic was made again */
  async #settle(topic: string, partitions: ReadonlySet<number>): Promise<boolean> {
    const { client, connectivity, fetcher, read } = this.#options;
    const metadata = await client.topic(topic, true).catch(() => undefined);
    if (metadata === null) this.#away.add(topic);
    if (metadata === undefined || metadata === null || metadata.leaders.some((leader) => leader < 0)) {
      void connectivity.pause(1, read.signal).then(() => fetcher.wake());
      return false;
    }
    const { id, starts, ends } = await this.#look(topic);
    this.#lost.delete(topic);
    const beyond = [...partitions].some(
      (partition) => (this.of(topic, partition)?.position ?? 0) > (ends.get(partition) ?? 0),
    );
    if (beyond || this.#away.delete(topic) || differs(this.#ids.get(topic), id)) {
      this.#restart(topic, id, starts, ends);
      return true;
    }
    for (const partition of partitions) {
      const state = this.of(topic, partition);
      if (state === undefined) continue;
      // What retention took is told of with the next record (missing-records.ts).
      state.position = Math.max(state.position, starts.get(partition) ?? 0);
      fetcher.add(topic, partition, state.position);
    }
    return false;
  }

  #restart(
    topic: string,
    id: string | null,
    starts: ReadonlyMap<number, number>,
    ends: ReadonlyMap<number, number>,
  ): void {
    for (const [key, state] of this.#partitions)
      if (state.topic === topic) {
        this.#partitions.delete(key);
        this.#options.fetcher.remove(topic, state.partition);
      }
    this.#setId(topic, id);
    for (const [partition, end] of ends)
      this.#add(topic, partition, starts.get(partition) ?? 0, { end, asked: 0 });
  }

  #setId(topic: string, id: string | null): void {
    if (id === null) this.#ids.delete(topic);
    else this.#ids.set(topic, id);
  }

  #add(
    topic: string,
    partition: number,
    position: number,
    { end, asked }: { readonly end: number; readonly asked: number },
  ): void {
    const { fetcher, read } = this.#options;
    const finder = new MissingRecordsFinder(topic, partition, asked);
    this.#partitions.set(`${topic}:${partition}`, { topic, partition, position, end, finder });
    // With an end to reach, a partition that is there already needs no fetch.
    if (read.until !== "end" || position < end) fetcher.add(topic, partition, position);
  }

  async #look(topic: string) {
    const { client, connectivity, role, read } = this.#options;
    return connectivity.persist(role, { what: `read ${topic}`, signal: read.signal }, async () => {
      const [starts, ends] = await Promise.all([startOffsets(client, topic), endOffsets(client, topic)]);
      // Known by now: those two have asked for it.
      const metadata = await client.topic(topic);
      return { id: metadata?.identity ?? null, starts, ends };
    });
  }
}
