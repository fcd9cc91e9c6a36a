/**
 * The page's line to /api/v1/events: opens it, watches that it lives, opens it anew, and says how it stands.
 *
 *            open                 first event
 *   closed ────────▶ connecting ─────────────▶ live
 *                        ▲      └─ error, 20 s ─┐│ error, 40 s of silence, resync
 *                        │ retry (or network    ▼
 *                        └──────── back) ──── waiting
 *
 * The browser reconnects by itself only after some failures (not after a 503, and it never notices a dead peer), so
 * every reconnect is made here, with the last id seen, after a growing and randomised wait.
 */

/** Names of the events of docs/api.md. */
const EVENT_NAMES = ["systems", "snapshot", "delta", "heartbeat", "resync"] as const;
export type EventName = (typeof EVENT_NAMES)[number];

/** Three heartbeats are 45 s; the contract says that 40 s of silence is death. */
const SILENCE_MS = 40_000;
/** A server that is reached says something at once; one heartbeat and some is patience enough with a new line. */
const ANSWER_MS = 20_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

export type Link =
  | { readonly state: "connecting"; readonly attempt: number }
  | { readonly state: "live" }
  | {
      readonly state: "waiting";
      readonly attempt: number;
      readonly retryAtMs: number;
      /** When the line broke, as far as is known: a silent one broke when it was last heard. */
      readonly brokeAtMs: number;
    };

/** The part of the browser's EventSource that is used; a test gives its own. */
export interface EventStream {
  addEventListener(type: string, listener: (event: { data?: string; lastEventId?: string }) => void): void;
  close(): void;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly openStream: (url: string) => EventStream;
  readonly now: () => number;
  /** Runs `task` after `delayMs`; returns how to cancel it. */
  readonly schedule: (task: () => void, delayMs: number) => () => void;
  /** From 0 to 1. */
  readonly random: () => number;
  readonly onEvent: (name: EventName, data: string) => void;
  readonly onLink: (link: Link) => void;
}

export class Connection {
  readonly #options: ConnectionOptions;
  #stream: EventStream | null = null;
  #lastEventId = "";
  #attempt = 0;
  #live = false;
  #heardAtMs = 0;
  #cancelTimer: () => void = () => {};

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** Connects at once, whatever was going on. */
  open(): void {
    this.#drop();
    this.#attempt += 1;
    this.#heardAtMs = this.#options.now();
    this.#options.onLink({ state: "connecting", attempt: this.#attempt });
    const id = this.#lastEventId;
    const { url } = this.#options;
    const query = id === "" ? "" : `${url.includes("?") ? "&" : "?"}last_event_id=${encodeURIComponent(id)}`;
    const stream = this.#options.openStream(url + query);
    this.#stream = stream;
    const mine = (): boolean => this.#stream === stream;
    for (const name of EVENT_NAMES) {
      stream.addEventListener(name, (event) => {
        if (mine()) this.#heard(name, event.data ?? "", event.lastEventId ?? "");
      });
    }
    stream.addEventListener("error", () => {
      if (mine()) this.#retryLater();
    });
    this.#watch();
  }

  /** The network or the tab came back: look whether the line still lives, and do not wait to reconnect. */
  wake(): void {
    const silentMs = this.#options.now() - this.#heardAtMs;
    if (this.#stream === null || silentMs > SILENCE_MS) this.open();
  }

  close(): void {
    this.#drop();
  }

  #heard(name: EventName, data: string, lastEventId: string): void {
    this.#heardAtMs = this.#options.now();
    // Events without an id carry the one before: as the browser does, keep whatever the stream says now.
    if (name === "snapshot" || name === "delta" || name === "resync") this.#lastEventId = lastEventId;
    if (!this.#live) {
      this.#live = true;
      this.#options.onLink({ state: "live" });
    }
    if (name === "snapshot" || name === "delta") this.#attempt = 0;
    this.#options.onEvent(name, data);
    if (name === "resync") {
      this.#lastEventId = "";
      this.#retryLater();
    }
  }

  #watch(): void {
    const patienceMs = (): number => (this.#live ? SILENCE_MS : ANSWER_MS);
    const left = this.#heardAtMs + patienceMs() - this.#options.now();
    this.#cancelTimer = this.#options.schedule(
      () => {
        if (this.#options.now() - this.#heardAtMs >= patienceMs()) this.#fallSilent();
        else this.#watch();
      },
      Math.max(left, 1_000),
    );
  }

  /** Nothing was heard for too long already: this is no short break, and the next line is not the first attempt. */
  #fallSilent(): void {
    this.#attempt = Math.max(this.#attempt, 1);
    this.#retryLater(this.#heardAtMs);
  }

  #retryLater(brokeAtMs = this.#options.now()): void {
    const attempt = this.#attempt;
    this.#drop();
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10));
    const waitMs = longest * (0.5 + this.#options.random() / 2);
    this.#cancelTimer = this.#options.schedule(() => this.open(), waitMs);
    this.#options.onLink({
      state: "waiting",
      attempt,
      retryAtMs: this.#options.now() + waitMs,
      brokeAtMs,
    });
  }

  #drop(): void {
    this.#cancelTimer();
    this.#cancelTimer = () => {};
    this.#stream?.close();
    this.#stream = null;
    this.#live = false;
  }
}
