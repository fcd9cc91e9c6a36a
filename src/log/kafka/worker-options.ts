/** What a worker of a group is given (worker.ts), and its membership made of it. */
import type { Clock, Logger, Metrics, ProcessOptions } from "../../ports.ts";
import type { Compression } from "./batches.ts";
import type { KafkaClient } from "./client.ts";
import type { Connectivity } from "./connectivity.ts";
import type { MembershipTimes } from "./membership-times.ts";
import { Membership } from "./membership.ts";

export interface WorkerOptions {
  readonly clients: { readonly data: KafkaClient; readonly fetch: KafkaClient; readonly join: KafkaClient };
  readonly restoreClient: () => KafkaClient;
  readonly connectivity: Connectivity;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly role: string;
  readonly compression: Compression;
  readonly times: MembershipTimes;
  readonly metrics: Metrics;
  /** Known ends by `topic:partition`: the answers of fetches may be older. */
  readonly ends: ReadonlyMap<string, number>;
}

/** @param onMustJoin told as soon as it has to join again */
export function membershipOf(
  { times, clients, connectivity, clock, role }: WorkerOptions,
  process: ProcessOptions,
  onMustJoin: () => void,
): Membership {
  return new Membership({
    ...times,
    client: clients.data,
    joinClient: clients.join,
    connectivity,
    clock,
    role: `${role} group`,
    group: process.group,
    topic: process.topic,
    instanceId: process.memberId ?? null,
    onMustJoin,
  });
}
