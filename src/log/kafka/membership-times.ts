/** How fast a consumer group notices that a member is dead, or that it has to share anew. */

export interface MembershipTimes {
  /** Silent for so long, a member is dead to the group. */
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** How long the group waits for members to join again. */
  readonly rebalanceTimeoutMs: number;
}

const REBALANCE_TIMEOUT_MS = 60_000;
/** Members learn of a rebalance by their heartbeat: its interval is the pause of a rebalance, at most. */
const LONGEST_HEARTBEAT_MS = 250;

/** The times that go with a session timeout: a few heartbeats may be lost. */
export function membershipTimes(sessionTimeoutMs: number): MembershipTimes {
  return {
    sessionTimeoutMs,
    heartbeatIntervalMs: Math.min(LONGEST_HEARTBEAT_MS, sessionTimeoutMs / 5),
    rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
  };
}
