/**
 * Our place in a consumer group (Kafka's classic protocol), one topic, one member.
 *
 *   outside ──join, sync──▶ member of a generation ──heartbeats──▶ … ──told to rejoin──▶ join again, keeping what we hold
 *                               └── forgotten by the group (session ran out) ──▶ lost: drop everything, join anew
 *
 * The worker joins only between transactions, so every partition it holds is at a committed position; partitions that
 * stay with it keep their state and go on at once, in one round (docs/decisions/0012).
 */
import type { joinGroupV9 } from "@platformatic/kafka";
import type { Clock } from "../../ports.ts";
import type { KafkaClient } from "./client.ts";
import type { Connectivity } from "./connectivity.ts";
import {
  hasKafkaError,
  isRetriable,
  isStaleCoordinator,
  memberIdOf,
  needsRejoin,
  refusal,
  takenOver,
} from "./errors.ts";
import { decodeShare, type EncodedShare, encodeSubscription, shareTopic } from "./group-protocol.ts";
import type { MembershipTimes } from "./membership-times.ts";

/** The name under which members agree; one of another name cannot join, and would not restore state. */
const PROTOCOL = "velostream-sticky";

export interface MembershipOptions extends MembershipTimes {
  readonly client: KafkaClient;
  /** Connections of their own: the coordinator answers a join only when all have joined. */
  readonly joinClient: KafkaClient;
  readonly connectivity: Connectivity;
  readonly clock: Clock;
  readonly role: string;
  readonly group: string;
  readonly topic: string;
  /** Static membership (KIP-345). */
  readonly instanceId: string | null;
  /** Told as soon as `mustJoin` becomes true. */
  readonly onMustJoin: () => void;
}

/** Proves to the coordinator that a commit is from a current member. */
export interface Generation {
  readonly group: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly instanceId: string | null;
}

export class Membership {
  readonly #options: MembershipOptions;
  readonly #left = new AbortController();
  #memberId = "";
  #generationId = -1;
  /** Generation in which we were given what we hold. */
  #heldGeneration = -1;
  #joining = false;
  #mustJoin = true;
  #lost = false;
  /** An answer was lost since the last good one: the coordinator may know us by a member id that we never saw. */
  #inDoubt = false;
  #failure: unknown = null;
  #isLeader = false;
  #sharedCount = 0;
  #heartbeats: Promise<void> | null = null;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get generation(): Generation {
    const { group, instanceId } = this.#options;
    return { group, generationId: this.#generationId, memberId: this.#memberId, instanceId };
  }

  /** True when the group waits for us, or we are not in it. */
  get mustJoin(): boolean {
    return this.#mustJoin;
  }

  /** What ended the membership for good; null while there is none. */
  get failure(): unknown {
    return this.#failure;
  }

  /** True once after the group went on without us: whatever we held may be someone else's. */
  takeLost(): boolean {
    const lost = this.#lost;
    this.#lost = false;
    return lost;
  }

  /** Asks for a new round, e.g. because the topic has more partitions now, or a commit was refused. */
  askToJoin(): void {
    if (this.#mustJoin) return;
    this.#mustJoin = true;
    this.#options.onMustJoin();
  }

  /**
   * Joins, or joins again. @returns the partitions that are ours now
   * @param owned those we hold, at committed positions; empty after `takeLost`
   */
  async join(owned: readonly number[], signal: AbortSignal): Promise<readonly number[]> {
    const { connectivity, group, topic, role } = this.#options;
    let claimed = owned;
    this.#joining = true;
    const assigned = await connectivity
      .persist(
        role,
        {
          what: `join group ${group} for ${topic}`,
          signal,
          mend: (error) =>
            needsRejoin(error) || hasKafkaError(error, "MEMBER_ID_REQUIRED") || this.#isOldName(error),
          onFailure: (error) => {
            if (isStaleCoordinator(error)) this.#forgetCoordinator();
            if (!hasKafkaError(error, "UNKNOWN_MEMBER_ID", "FENCED_INSTANCE_ID")) return;
            this.#forgetOurselves();
            claimed = [];
          },
        },
        async () => this.#joinOnce(claimed),
      )
      .catch((error: unknown) => {
        throw hasKafkaError(error, "FENCED_INSTANCE_ID") ? takenOver(this.#options.instanceId, error) : error;
      })
      .finally(() => (this.#joining = false));
    this.#inDoubt = false;
    this.#heldGeneration = this.#generationId;
    this.#mustJoin = false;
    this.#heartbeats ??= this.#beat();
    return assigned;
  }

  /** Whether the group still counts us as a member of this generation. Retriable errors are the caller's. */
  async confirm(): Promise<boolean> {
    const sent = this.#generationId;
    try {
      await this.#heartbeatOnce();
    } catch (error) {
      if (!this.#heed(error, sent)) throw error;
    }
    return !this.#mustJoin;
  }

  async leave(): Promise<void> {
    const { client, group, instanceId, connectivity, role } = this.#options;
    this.#left.abort();
    await this.#heartbeats;
    if (this.#memberId !== "")
      await client
        .call({ kind: "group", key: group }, "LeaveGroup", group, [
          { memberId: this.#memberId, groupInstanceId: instanceId, reason: "stopped" },
        ])
        // The group finds out by itself when our session ends.
        .catch(() => {});
    connectivity.forget(role);
  }

  async #joinOnce(owned: readonly number[]): Promise<readonly number[]> {
    const { joinClient, client, group, topic, instanceId, sessionTimeoutMs, rebalanceTimeoutMs } =
      this.#options;
    const subscription = encodeSubscription(topic, owned, this.#heldGeneration);
    let joined: joinGroupV9.JoinGroupResponse;
    try {
      joined = await joinClient.call(
        { kind: "group", key: group },
        "JoinGroup",
        group,
        sessionTimeoutMs,
        rebalanceTimeoutMs,
        this.#memberId,
        instanceId,
        "consumer",
        [{ name: PROTOCOL, metadata: subscription }],
        "",
      );
    } catch (error) {
      // The coordinator gives an id first, so that a join whose answer is lost leaves no ghost (KIP-394).
      const given = memberIdOf(error);
      if (!hasKafkaError(error, "MEMBER_ID_REQUIRED") || given === null) throw error;
      this.#memberId = given;
      return this.#joinOnce(owned);
    }
    this.#memberId = joined.memberId;
    this.#generationId = joined.generationId;
    this.#isLeader = joined.leader === joined.memberId;
    let shares: EncodedShare[] = [];
    if (this.#isLeader) {
      this.#sharedCount = (await client.topic(topic, true))?.partitionCount ?? 0;
      // A static member that came back is told to leave the shares as they are (KIP-814).
      if (!joined.skipAssignment) shares = shareTopic(topic, this.#sharedCount, joined.members);
    }
    const synced = await joinClient.call(
      { kind: "group", key: group },
      "SyncGroup",
      group,
      this.#generationId,
      this.#memberId,
      instanceId,
      "consumer",
      PROTOCOL,
      shares,
    );
    return decodeShare(topic, synced.assignment);
  }

  async #beat(): Promise<void> {
    const { clock, connectivity, heartbeatIntervalMs, role } = this.#options;
    const signal = this.#left.signal;
    while (!signal.aborted) {
      await clock.sleep(heartbeatIntervalMs, signal);
      // A join under way keeps us alive by itself; a worker busy with its batch goes on beating.
      if (signal.aborted || this.#joining) continue;
      const sent = this.#generationId;
      try {
        await this.#heartbeatOnce();
        connectivity.succeeded(`${role} heartbeat`);
        await this.#noticePartitions();
      } catch (error) {
        if (this.#heed(error, sent)) continue;
        if (isRetriable(error)) connectivity.failed(`${role} heartbeat`, error);
        else this.#fail(error);
      }
    }
    connectivity.forget(`${role} heartbeat`);
  }

  /** The leader of the group shares the partitions, so it looks whether someone added some. */
  async #noticePartitions(): Promise<void> {
    if (!this.#isLeader || this.#mustJoin) return;
    // At most five seconds old: asked of the cluster no more often than that.
    const metadata = await this.#options.client.topic(this.#options.topic);
    if (metadata !== null && metadata.partitionCount !== this.#sharedCount) this.askToJoin();
  }

  async #heartbeatOnce(): Promise<void> {
    const { client, group, instanceId } = this.#options;
    if (this.#memberId === "") return;
    await client.call(
      { kind: "group", key: group },
      "Heartbeat",
      group,
      this.#generationId,
      this.#memberId,
      instanceId,
    );
    this.#inDoubt = false;
  }

  /** Does what a refused heartbeat asks for; false when it asks for nothing that we can do here. */
  #heed(error: unknown, sentGenerationId: number): boolean {
    if (isStaleCoordinator(error)) this.#forgetCoordinator();
    const oldName = this.#isOldName(error);
    if (!needsRejoin(error) && !oldName) return false;
    // An answer about a generation that is over says nothing about the present one.
    if (sentGenerationId !== this.#generationId || this.#joining) return true;
    if (oldName || hasKafkaError(error, "UNKNOWN_MEMBER_ID")) this.#forgetOurselves();
    else if (hasKafkaError(error, "ILLEGAL_GENERATION") && !this.#mustJoin) this.#lost = true;
    this.askToJoin();
    return true;
  }

  /**
   * FENCED_INSTANCE_ID says that our static name belongs to another member id. That is another process, unless an
   * answer to us was lost: then it may be the id that was meant for us, and joining anew gets the name back.
   */
  #isOldName(error: unknown): boolean {
    return this.#inDoubt && hasKafkaError(error, "FENCED_INSTANCE_ID");
  }

  #forgetOurselves(): void {
    this.#memberId = "";
    this.#lost = true;
  }

  #fail(error: unknown): void {
    this.#failure = hasKafkaError(error, "FENCED_INSTANCE_ID")
      ? takenOver(this.#options.instanceId, error)
      : (refusal(error, `stay in group ${this.#options.group}`) ?? error);
    this.#options.onMustJoin();
  }

  #forgetCoordinator(): void {
    this.#inDoubt = true;
    this.#options.client.forgetCoordinator("group", this.#options.group);
    this.#options.joinClient.forgetCoordinator("group", this.#options.group);
  }
}
