/**
 * A file of a system's status, asked at every poll: what it answers, since when it fails, when it is asked again.
 *
 *   ask ─▶ in time ──▶ answer                       404, 410, Retry-After ─▶ not asked again before its time,
 *      └─▶ late ─────▶ kept for the next poll                                where other files answer meanwhile
 */
import { isMissing } from "./failure-pace.ts";
import { failureOf, type FetchFailure } from "./failures.ts";
import type { FeedFile, FileAnswer, ReadAgain } from "./feed-file.ts";

/** What a file brought at one poll. */
export type Asked =
  | {
      readonly ok: true;
      /** It has not changed, and was not read again: `lastBody` does. */
      readonly unread: boolean;
      readonly body: unknown;
      readonly transferredBytes: number;
      /** The body is not held any longer. */
      readonly release: () => void;
    }
  | FetchFailure;

/** An answer that came too late for its poll serves the next one, when that is this soon. */
const LATE_ANSWER_MS = 60_000;
/** A file that is missing this long is taken as not there: what it carried may go. */
const BELIEVE_MISSING_MS = 3_600_000;
/** A missing file is asked this often while the others answer; one that was only guessed, that often. */
const MISSING_RECHECK_MS = 600_000;
const GUESSED_RECHECK_MS = 24 * 3_600_000;

export class PolledFile {
  readonly name: string;
  readonly file: FeedFile;
  /** Nobody listed it. */
  readonly guessed: boolean;
  /** Why its last answer was none, and since when it has been so. */
  trouble: { readonly failure: FetchFailure; readonly sinceMs: number } | null = null;
  #asking: Promise<FileAnswer> | null = null;
  #late: { readonly answer: FileAnswer; readonly atMs: number } | null = null;
  #dueAtMs = 0;

  readonly #wantsSame: () => boolean;

  /** @param wantsSame whether a body that has not changed is read again */
  constructor(name: string, file: FeedFile, guessed: boolean, wantsSame: () => boolean = () => true) {
    this.#wantsSame = wantsSame;
    this.name = name;
    this.file = file;
    this.guessed = guessed;
  }

  /** A file that does not exist: not at all where it was only guessed, not any more where it has been missing long. */
  absent(nowMs: number): boolean {
    if (this.trouble === null || !isMissing(this.trouble.failure)) return false;
    return this.guessed || nowMs - this.trouble.sinceMs >= BELIEVE_MISSING_MS;
  }

  /** Whether it may be asked now, when it is not the only one. */
  due(nowMs: number): boolean {
    return this.trouble === null || nowMs >= this.#dueAtMs;
  }

  /** Asks, or goes on waiting for what was asked before. Never rejects. */
  async ask(now: () => number, signal?: AbortSignal): Promise<Asked> {
    const late = this.#late;
    this.#late = null;
    const answer =
      late !== null && now() - late.atMs <= LATE_ANSWER_MS ? late.answer : await this.#answer(now, signal);
    this.#late = null;
    if (!answer.ok) return this.failed(answer, now());
    const { transferredBytes } = answer;
    this.trouble = null;
    if (answer.kind === "unchanged" && !this.#wantsSame())
      return { ok: true, unread: true, body: null, transferredBytes, release: () => undefined };
    const { body, release } = answer.kind === "changed" ? answer : await this.file.read();
    return { ok: true, unread: false, body, transferredBytes, release };
  }

  #answer(now: () => number, signal?: AbortSignal): Promise<FileAnswer> {
    this.#asking ??= (async () => {
      const answer = await this.file.fetch(signal);
      this.#asking = null;
      this.#late = { answer, atMs: now() };
      return answer;
    })();
    return this.#asking;
  }

  /** The poll does not wait for it any longer. */
  tooLate(nowMs: number): FetchFailure {
    return this.failed(failureOf("timeout", this.file.url), nowMs);
  }

  /** Its answer cannot be used, or none came. */
  failed(failure: FetchFailure, nowMs: number): FetchFailure {
    this.trouble = { failure, sinceMs: this.trouble?.sinceMs ?? nowMs };
    const recheckMs = isMissing(failure) ? (this.guessed ? GUESSED_RECHECK_MS : MISSING_RECHECK_MS) : 0;
    this.#dueAtMs = nowMs + Math.max(recheckMs, failure.retryAfterMs ?? 0);
    return failure;
  }

  /** The body it had when it last answered; null when it never did. */
  lastBody(): Promise<ReadAgain> {
    return this.file.read();
  }
}
