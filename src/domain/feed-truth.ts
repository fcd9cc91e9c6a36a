/**
 * Whether a feed can be believed: compares what its header claims with what its content does, poll by poll.
 *
 *   header moves, content does not for hours ─▶ flag      header older than one seen ─▶ a lagging replica: that poll
 *   header stands still, content moves ───────▶ flag      is not believed (for ten minutes at most), and a flag
 *   neither moves ────────────────────────────▶ flag      the number of stations jumps ─▶ flag
 *
 * Flags are told, never acted on; only a lagging replica is kept away from the totals (docs/quirks.md).
 */
import { contentTime, newestReportMs } from "./content-age.ts";
import { isFreeFloating } from "./free-floating.ts";
import { ReturningContent } from "./returning-content.ts";
import type { StationStatus } from "../record/station.ts";
import { UsualQuiet } from "./usual-quiet.ts";

/** Every flag and what it means, for docs/quirks.md. */
export const FEED_FLAGS = {
  header_moves_content_does_not:
    "The header says new data at every poll, but the content has not changed for hours.",
  header_stands_still: "The content changes, but the header's time stays the same.",
  stale: "The feed has not changed for long: neither its content nor its header.",
  runs_backwards: "The header's time went back: an older copy was served after a newer one.",
  alternates: "Two copies are served in turn: older and newer content alternate.",
  file_unavailable:
    "A file that the feed lists cannot be had: what it carries stays as it was, all else goes on.",
  higher_version_unusable: "The feed offers a higher version that has less in it: a lower one is read.",
  jumps_in_size: "The number of stations changed by a third or more between two polls.",
  renumbered: "Stations came with other ids: the old ids left the totals when the new ones came.",
} as const;

export type FeedFlag = keyof typeof FEED_FLAGS;

/** What one successful poll brought. */
export interface TruthInput {
  readonly atMs: number;
  /** The header's time, epoch ms. */
  readonly lastUpdatedMs: number | null;
  readonly stations: readonly StationStatus[];
}

export interface Verdict {
  /** False: an older copy; what was known before stands. */
  readonly believed: boolean;
}

/** Of when the content is, as far as the feed tells. */
export interface FeedContent {
  /** Epoch ms; null when nothing tells. */
  readonly atMs: number | null;
  /** Content older than this is stale: longer than is usual at this hour. */
  readonly staleAfterMs: number;
}

/** A header this old while content moves is a broken header. */
const HEADER_STUCK_MS = 30 * 60_000;
/** An older copy is disbelieved this long; then the publisher's clock was wrong before, and is right now. */
const DISBELIEVE_MS = 10 * 60_000;
/** What happened once is told this long. */
const TELL_MS = 3_600_000;
const JUMP_SHARE = 1 / 3;
/** Systems smaller than this jump by opening a station. */
const JUMP_LEAST = 10;
export class FeedTruth {
  readonly #since = new Map<FeedFlag, number>();
  readonly #until = new Map<FeedFlag, number>();
  readonly #returning = new ReturningContent();
  readonly #quiet = new UsualQuiet();
  /** Hours of the system's time from UTC; null where it is not known. */
  readonly #offsetHours: (atMs: number) => number | null;
  /** The last change of a content that has stood still for too long since. */
  #frozenSinceMs: number | null = null;
  /** Digest of the last content. */
  #digest: number | null = null;
  #changes = 0;
  #contentChangedAtMs: number | null = null;
  #headerMovedAtMs: number | null = null;
  #header: number | null = null;
  #greatestHeader: number | null = null;
  #behindSinceMs: number | null = null;
  #stations: number | null = null;
  #content: FeedContent = { atMs: null, staleAfterMs: Infinity };

  /** @param timezone of the system, as it says: where its nights are */
  constructor(timezone: string | null = null) {
    this.#offsetHours = offsetOf(timezone);
  }

  /** Takes one successful poll. */
  observe({ atMs, lastUpdatedMs, stations }: TruthInput): Verdict {
    const believed = this.#notOlder(atMs, lastUpdatedMs);
    const digests = Uint32Array.from(stations, (station) => station.countsDigest);
    const digest = digests.reduce((sum, one) => sum + one, stations.length);
    if (digest !== this.#digest) {
      if (this.#digest !== null) this.#changes += 1;
      this.#digest = digest;
      const sinceMs = this.#contentChangedAtMs;
      const odd = sinceMs !== null && sinceMs === this.#frozenSinceMs;
      // Nobody knows how long the first content had stood there.
      if (sinceMs !== null && this.#changes > 1)
        this.#quiet.ended(stations.length, sinceMs, atMs, odd, this.#offsetHours(atMs));
      this.#contentChangedAtMs = atMs;
      if (this.#returning.changed(digests)) this.#tell("alternates", atMs);
    }
    if (lastUpdatedMs !== this.#header) this.#headerMovedAtMs = atMs;
    this.#header = lastUpdatedMs;
    this.#compare(atMs, stations);
    this.#size(atMs, stations);
    for (const [flag, untilMs] of this.#until) if (atMs >= untilMs) this.#lower(flag);
    return { believed };
  }

  /** Of when the content of the last poll is. */
  get content(): FeedContent {
    return this.#content;
  }

  /** Many stations have other ids since this poll (renumbering.ts). */
  renumbered(atMs: number): void {
    this.#tell("renumbered", atMs);
  }

  /** The flags that are up, with the time each went up. */
  flags(): readonly { readonly flag: FeedFlag; readonly sinceMs: number }[] {
    return [...this.#since].map(([flag, sinceMs]) => ({ flag, sinceMs }));
  }

  #notOlder(atMs: number, lastUpdatedMs: number | null): boolean {
    if (lastUpdatedMs === null) return true;
    const greatest = this.#greatestHeader;
    if (greatest === null || lastUpdatedMs >= greatest) {
      this.#greatestHeader = lastUpdatedMs;
      this.#behindSinceMs = null;
      return true;
    }
    this.#tell("runs_backwards", atMs);
    this.#behindSinceMs ??= atMs;
    if (atMs - this.#behindSinceMs < DISBELIEVE_MS) return false;
    this.#greatestHeader = lastUpdatedMs;
    this.#behindSinceMs = null;
    return true;
  }

  #compare(atMs: number, stations: readonly StationStatus[]): void {
    const sinceMs = this.#contentChangedAtMs ?? atMs;
    const idleMs = this.#quiet.idleMs(stations.length, sinceMs, atMs, this.#offsetHours(atMs));
    // What was found frozen stays so until it changes, though the hours that follow may be quiet ones.
    const contentIdle = atMs - sinceMs >= idleMs || this.#frozenSinceMs === sinceMs;
    this.#frozenSinceMs = contentIdle ? sinceMs : null;
    const claimed = this.#header;
    const contentMs = contentTime({
      nowMs: atMs,
      headerMs: claimed,
      reportedMs: newestReportMs(stations, atMs),
      changedAtMs: this.#changes > 0 ? sinceMs : null,
      frozenSinceMs: this.#frozenSinceMs,
    });
    // What was found frozen is stale until it changes.
    const oldMs = contentMs === null ? 0 : atMs - contentMs;
    this.#content = {
      atMs: contentMs,
      staleAfterMs: contentIdle ? Math.min(idleMs, Math.max(0, oldMs - 1)) : idleMs,
    };
    const headerIdleMs = claimed === null ? Infinity : atMs - (this.#headerMovedAtMs ?? atMs);
    this.#set(
      "header_moves_content_does_not",
      contentIdle && claimed !== null && this.#headerMovedAfter(sinceMs),
      atMs,
    );
    // A header that says itself that it is old needs no waiting.
    const admitsAge = claimed !== null && atMs - claimed >= idleMs && headerIdleMs >= HEADER_STUCK_MS;
    const contentMoves = this.#changes > 0 && !contentIdle;
    this.#set(
      "header_stands_still",
      claimed !== null && contentMoves && sinceMs - (this.#headerMovedAtMs ?? sinceMs) >= HEADER_STUCK_MS,
      atMs,
    );
    this.#set(
      "stale",
      !contentMoves && (admitsAge || (contentIdle && !this.#headerMovedAfter(sinceMs))),
      atMs,
    );
  }

  /** Whether the header has gone on for long after the content stood still. */
  #headerMovedAfter(sinceMs: number): boolean {
    return this.#header !== null && (this.#headerMovedAtMs ?? sinceMs) - sinceMs >= HEADER_STUCK_MS;
  }

  /** What counts the vehicles of an area is no station: it comes and goes with them. */
  #size(atMs: number, listed: readonly StationStatus[]): void {
    let stations = 0;
    for (const { stationId } of listed) if (!isFreeFloating(stationId)) stations += 1;
    const before = this.#stations;
    this.#stations = stations;
    if (before === null || Math.max(before, stations) < JUMP_LEAST) return;
    if (Math.abs(stations - before) >= Math.max(before, stations) * JUMP_SHARE)
      this.#tell("jumps_in_size", atMs);
  }

  /** Raises a flag for something that happened: it goes down by itself. */
  #tell(flag: FeedFlag, atMs: number): void {
    if (!this.#since.has(flag)) this.#since.set(flag, atMs);
    this.#until.set(flag, atMs + TELL_MS);
  }

  #set(flag: FeedFlag, up: boolean, atMs: number): void {
    if (!up) this.#since.delete(flag);
    else if (!this.#since.has(flag)) this.#since.set(flag, atMs);
  }

  #lower(flag: FeedFlag): void {
    this.#since.delete(flag);
    this.#until.delete(flag);
  }
}

/** Hours from UTC, by an IANA name; none for a name that is none. */
function offsetOf(timezone: string | null): (atMs: number) => number | null {
  if (timezone === null) return () => null;
  try {
    const format = new Intl.DateTimeFormat("en", { timeZone: timezone, hour: "numeric", hourCycle: "h23" });
    return (atMs) => ((Number(format.format(atMs)) - new Date(atMs).getUTCHours() + 36) % 24) - 12;
  } catch {
    return () => null;
  }
}
