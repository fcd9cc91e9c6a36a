/** Asks a feed which system it is, until it answers: nothing is published for one that is not known. */
import { AppError } from "../../errors.ts";
import type { Clock, FeedSource, Logger, SystemDescription } from "../../ports.ts";
import type { CollectorStatus } from "./collector-status.ts";

/** When to poll next (domain/poll-schedule.ts). */
export interface Pacer {
  next(
    outcome: {
      readonly kind: "changed" | "unchanged" | "failed";
      readonly atMs: number;
      readonly retryAfterMs: number | null;
      readonly ttlSeconds: number | null;
      readonly lastUpdatedMs: number | null;
    },
    random: number,
  ): number;
  readonly changePeriodMs: number | null;
}

export interface DescribeInput {
  readonly source: FeedSource;
  readonly status: CollectorStatus;
  readonly pacerFor: (system: SystemDescription) => Pacer;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
}

/**
 * @returns null when told to stop first
 * @throws AppError that no retry can mend
 */
export async function describeSystem(
  input: DescribeInput,
  signal: AbortSignal,
): Promise<SystemDescription | null> {
  const { source, status, pacerFor, clock, random, logger } = input;
  const pacer = pacerFor(UNKNOWN_SYSTEM);
  while (!signal.aborted) {
    try {
      return await source.describe(signal);
    } catch (error) {
      if (signal.aborted) return null;
      if (!(error instanceof AppError) || !error.retryable) throw error;
      const atMs = clock.now();
      const wait = error.details["retryAfterMs"];
      const failed = {
        kind: "failed",
        atMs,
        retryAfterMs: typeof wait === "number" ? wait : null,
        ttlSeconds: null,
        lastUpdatedMs: null,
      } as const;
      const nextMs = pacer.next(failed, random());
      if (status.failed(error.code, error.message, atMs)) {
        const retryInMs = Math.round(nextMs - atMs);
        logger.warn("feed.unavailable", error.message, { code: error.code, retryInMs });
      }
      status.scheduled(nextMs, null);
      await clock.sleep(nextMs - atMs, signal);
    }
  }
  return null;
}

/** Stands for the system until the feed has said who it is: only the pace of retries depends on it. */
const UNKNOWN_SYSTEM: SystemDescription = {
  systemId: "unknown",
  name: "the feed",
  timezone: null,
  attribution: null,
  licenseUrl: null,
  simulated: false,
};
