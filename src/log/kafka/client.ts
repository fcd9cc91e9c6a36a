/**
 * Requests to a Kafka cluster by name: versions negotiated with each broker, leaders and coordinators found, answers typed.
 * Connections, TLS, SASL, metadata and the wire format are @platformatic/kafka's; retrying is our callers'
 * (connectivity.ts), because the client's own is bounded (docs/decisions/0010).
 */
import * as kafka from "@platformatic/kafka";
import type { KafkaAccess } from "./access.ts";
import { isUnknownTopic, isVague, NotNow, refusal } from "./errors.ts";
import { RequestVersions } from "./request-versions.ts";
import type { RequestName, Requests } from "./requests.ts";

export type CoordinatorKind = "group" | "transaction";
const COORDINATOR_KEY_TYPE = { group: 0, transaction: 1 } as const;

/** Who answers: any broker, one by its id, or the coordinator of a group or transactional id. */
export type Target =
  | { readonly kind: "any" }
  | { readonly kind: "node"; readonly id: number }
  | { readonly kind: CoordinatorKind; readonly key: string };

export interface TopicMetadata {
  /** Kafka's id of the topic; its name on brokers that know no ids. */
  readonly id: string;
  /** The id, or null where the brokers have none (before 2.8). */
  readonly identity: string | null;
  readonly partitionCount: number;
  /** Node id of each partition's leader; -1 while there is none. */
  readonly leaders: readonly number[];
}

export interface KafkaClientOptions {
  /** Longest time to wait for one answer, ms. */
  readonly requestTimeoutMs?: number;
}

/** Of a topic that older brokers made, in a cluster that is being upgraded. */
const NO_ID = "00000000-0000-0000-0000-000000000000";
const REQUEST_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;

export class KafkaClient {
  readonly #base: kafka.Base;
  readonly #coordinators = new Map<string, number>();
  /**
   * Why a broker closed a connection for good. With TLS 1.3 it refuses our certificate only when we are connected
   * already: the request under way is told no more than "connection closed".
   */
  #refused: Error | null = null;
  readonly #versions: RequestVersions;

  constructor(access: KafkaAccess, options: KafkaClientOptions = {}) {
    this.#versions = new RequestVersions(access.checkCrcs ?? true);
    this.#base = new kafka.Base({
      ...clientOptions(access),
      requestTimeout: options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS,
    });
    // A socket may fail once more after its first error was handled: without a listener that would end the process.
    this.#base.on("client:broker:connect", ({ connection }) =>
      connection?.on("error", (error: Error) => {
        if (refusal(error) !== null) this.#refused = error;
      }),
    );
  }

  /** Sends one request, once. */
  async call<N extends RequestName>(
    target: Target,
    name: N,
    ...args: Requests[N][0]
  ): Promise<Requests[N][1]> {
    try {
      const connection = await this.#connect(target);
      const api = await this.#versions.api(connection, name);
      return (await api.async(connection, ...args)) as Requests[N][1];
    } catch (error) {
      throw this.#reasonOf(error);
    }
  }

  /** The version of `name` that is spoken with `target`; brokers of one cluster may differ while they are upgraded. */
  async version(target: Target, name: RequestName): Promise<number> {
    try {
      return (await this.#versions.api(await this.#connect(target), name)).version;
    } catch (error) {
      throw this.#reasonOf(error);
    }
  }

  /**
   * A topic's partitions and leaders, at most five seconds old, or null when there is no such topic.
   * @param fresh ask the cluster, whatever is known
   */
  async topic(topic: string, fresh = false): Promise<TopicMetadata | null> {
    try {
      const metadata = await this.#base.metadata({ topics: [topic], forceUpdate: fresh });
      const found = metadata.topics.get(topic);
      if (found === undefined) return null;
      return {
        id: found.id,
        identity: found.id === topic || found.id === NO_ID ? null : found.id,
        partitionCount: found.partitionsCount,
        leaders: found.partitions.map((partition) => partition?.leader ?? -1),
      };
    } catch (error) {
      const reason = isVague(error) ? await this.#topicError(topic) : error;
      if (isUnknownTopic(reason)) return null;
      throw this.#reasonOf(reason);
    }
  }

  /** Kafka's own error about a topic, which the client's metadata call keeps to itself. */
  async #topicError(topic: string): Promise<unknown> {
    try {
      await this.call({ kind: "any" }, "Metadata", [topic], false, false);
    } catch (error) {
      return error;
    }
    // It has been made in between, or the other problem of this kind has gone: what was asked may be asked again.
    return new NotNow(`Topic ${topic} could not be described.`);
  }

  /** Ids of the brokers that the cluster has now. */
  async brokerIds(): Promise<readonly number[]> {
    try {
      return [...(await this.#base.metadata({ topics: [], forceUpdate: true })).brokers.keys()];
    } catch (error) {
      throw this.#reasonOf(error);
    }
  }

  /** Forgets who coordinates: the next request asks. */
  forgetCoordinator(kind: CoordinatorKind, key: string): void {
    this.#coordinators.delete(`${kind} ${key}`);
  }

  async close(): Promise<void> {
    await this.#base.close();
  }

  #reasonOf(error: unknown): unknown {
    const refused = this.#refused;
    this.#refused = null;
    return refused ?? error;
  }

  async #connect(target: Target): Promise<kafka.Connection> {
    if (target.kind === "any")
      return promised<kafka.Connection>((done) => this.#base[kafka.kGetBootstrapConnection](done));
    const id = target.kind === "node" ? target.id : await this.#coordinator(target.kind, target.key);
    const broker = (await this.#base.metadata({ topics: [] })).brokers.get(id);
    if (broker === undefined) {
      if (target.kind !== "node") this.forgetCoordinator(target.kind, target.key);
      // Known brokers are refreshed by any metadata answer; one that is down drops out of it.
      await this.#base.metadata({ topics: [], forceUpdate: true });
      throw new NotNow(`Broker ${id} is not in the cluster now.`);
    }
    return promised<kafka.Connection>((done) => this.#base[kafka.kGetConnection](broker, done));
  }

  async #coordinator(kind: CoordinatorKind, key: string): Promise<number> {
    const known = this.#coordinators.get(`${kind} ${key}`);
    if (known !== undefined) return known;
    const answer = await this.call({ kind: "any" }, "FindCoordinator", COORDINATOR_KEY_TYPE[kind], [key]);
    const [found] = answer.coordinators;
    if (found === undefined || found.nodeId < 0)
      throw new NotNow(`No broker coordinates ${kind} ${key} now.`);
    this.#coordinators.set(`${kind} ${key}`, found.nodeId);
    return found.nodeId;
  }
}

/** The client's options for how to reach and enter a cluster; it retries nothing by itself. */
export function clientOptions(access: KafkaAccess): kafka.BaseOptions {
  const named = access.brokers.every((broker) => !/^(\d+\.){3}\d+:|^\[/.test(broker));
  return {
    clientId: access.clientId,
    bootstrapBrokers: [...access.brokers],
    retries: 0,
    connectTimeout: CONNECT_TIMEOUT_MS,
    timeout: REQUEST_TIMEOUT_MS,
    ...(access.tls === null ? {} : { tls: { ...access.tls }, ...(named ? { tlsServerName: true } : {}) }),
    ...(access.sasl === null ? {} : { sasl: { ...access.sasl } }),
  };
}

async function promised<T>(start: (done: (error: Error | null, value?: T) => void) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    start((error, value) => {
      if (error === null || error === undefined) resolve(value as T);
      else reject(error);
    });
  });
}
