/** How one collector is doing: what the status line, `/readyz` and the API tell people. */
import type { FeedContent } from "../../domain/feed-truth.ts";
import type { Reject } from "../../record/station.ts";
import type { SystemAlert } from "../../domain/gbfs/system-files.ts";
import type {
  FeedTraffic,
  Poll,
  RejectCount,
  SystemDescription,
  SystemFlag,
  SystemStatus,
} from "../../ports.ts";

export class CollectorStatus {
  system: SystemDescription | null = null;
  /** Stands for the system until the feed has said who it is: a feed that never does is told of too. */
  provisional: SystemDescription | null = null;
  state: Exclude<SystemStatus["state"], "unknown"> = "waiting";
  lastPollOutcome: string | null = null;
  /** Stable word of the failure that lasts, and its sentence. */
  failure: { readonly outcome: string; readonly message: string; readonly sinceMs: number } | null = null;
  lastPollAtMs: number | null = null;
  lastSuccessAtMs: number | null = null;
  /** When the feed's content last changed, by observation. */
  contentChangedAtMs: number | null = null;
  /** Of when the content is, by what the feed tells (domain/content-age.ts); null before the first poll. */
  content: FeedContent | null = null;
  nextPollAtMs: number | null = null;
  changePeriodMs: number | null = null;
  polls = 0;
  failedPolls = 0;
  stations = 0;
  recordsPublished = 0;
  /** The rule that gave most stations their area. */
  areaRule: string | null = null;
  /** Rejects of the last poll that was answered, by reason, and of all polls. */
  rejects: readonly RejectCount[] = [];
  rejectsTotal = 0;
  /** Reasons to distrust the feed (domain/feed-truth.ts). */
  flags: readonly SystemFlag[] = [];
  /** What is wrong with the feed and stops nothing. */
  problems: readonly SystemFlag[] = [];
  /** What people should know of other collectors of the system (other-writers.ts). */
  othersFlags: () => readonly SystemFlag[] = () => [];
  alerts: readonly SystemAlert[] = [];
  /** What polling has cost and saved so far. */
  traffic: FeedTraffic | null = null;

  described(system: SystemDescription): void {
    this.system = system;
  }

  scheduled(nextPollAtMs: number, changePeriodMs: number | null): void {
    this.nextPollAtMs = nextPollAtMs;
    this.changePeriodMs = changePeriodMs;
  }

  /** @returns true when this is news: the first failure, or one of another kind */
  failed(outcome: string, message: string, atMs: number): boolean {
    this.polls += 1;
    this.failedPolls += 1;
    this.lastPollAtMs = atMs;
    this.lastPollOutcome = outcome;
    this.state = "failing";
    const news = this.failure?.outcome !== outcome;
    this.failure = { outcome, message, sinceMs: this.failure?.sinceMs ?? atMs };
    return news;
  }

  /** @returns true when the feed had been failing */
  succeeded(poll: Extract<Poll, { kind: "changed" | "unchanged" }>): boolean {
    this.polls += 1;
    this.lastPollAtMs = poll.observedAtMs;
    this.lastPollOutcome = poll.kind;
    this.lastSuccessAtMs = poll.observedAtMs;
    if (poll.kind === "changed" || this.contentChangedAtMs === null)
      this.contentChangedAtMs = poll.observedAtMs;
    const recovered = this.failure !== null;
    this.failure = null;
    this.state = "live";
    return recovered;
  }

  /** @returns which flags went up, and which down */
  flagged(flags: readonly SystemFlag[]): { raised: readonly SystemFlag[]; lowered: readonly SystemFlag[] } {
    const before = this.flags;
    this.flags = flags;
    const missing = (from: readonly SystemFlag[], wanted: SystemFlag): boolean =>
      from.every(({ flag }) => flag !== wanted.flag);
    return {
      raised: flags.filter((flag) => missing(before, flag)),
      lowered: before.filter((flag) => missing(flags, flag)),
    };
  }

  /** @param rejects all those of one poll */
  rejected(rejects: readonly Pick<Reject, "reason" | "path">[]): void {
    const counts = new Map<string, { reason: string; count: number; firstPath: string }>();
    for (const { reason, path } of rejects) {
      const held = counts.get(reason);
      if (held === undefined) counts.set(reason, { reason, count: 1, firstPath: path });
      else held.count += 1;
    }
    this.rejects = [...counts.values()];
    this.rejectsTotal += rejects.length;
  }

  get rejectsNow(): number {
    return this.rejects.reduce((sum, { count }) => sum + count, 0);
  }

  published(stations: number, records: number, areaRule: string | null): void {
    this.stations = stations;
    this.areaRule = areaRule;
    this.recordsPublished += records;
  }

  /** It will not be polled again, and why. */
  gaveUp(outcome: string, message: string, atMs: number): void {
    this.failure = { outcome, message, sinceMs: this.failure?.sinceMs ?? atMs };
    this.lastPollOutcome = outcome;
    this.lastPollAtMs ??= atMs;
    this.stopped();
  }

  stopped(): void {
    this.state = "stopped";
    this.nextPollAtMs = null;
  }

  /** For the API; null while nothing at all is known of the system. */
  systemStatus(): SystemStatus | null {
    const description = this.system ?? this.provisional;
    if (description === null) return null;
    return {
      description,
      state: this.state,
      observedAtMs: this.lastSuccessAtMs,
      lastPoll:
        this.lastPollAtMs === null
          ? null
          : {
              atMs: this.lastPollAtMs,
              outcome: this.lastPollOutcome ?? "unknown",
              message: this.failure?.message ?? null,
            },
      nextPollAtMs: this.nextPollAtMs,
      pollIntervalMs:
        this.nextPollAtMs === null || this.lastPollAtMs === null
          ? null
          : this.nextPollAtMs - this.lastPollAtMs,
      content: this.content,
      changePeriodMs: this.changePeriodMs,
      traffic: this.traffic,
      flags: [...this.flags, ...this.problems, ...this.othersFlags()],
      alerts: this.alerts,
      rejects: this.rejects,
    };
  }
}
