/** The stage that shows people how the query on Spark is doing: a line that is redrawn, else one a minute. */
import { liveDisplay } from "../print/live-display.ts";
import type { Screen } from "../print/screen.ts";
import { unlessGivenUp } from "../drain.ts";
import type { Runner, StageContext } from "../stage.ts";
import type { SparkStatus } from "./spark-status.ts";

/** Without a terminal, one line of summary this often. */
const SUMMARY_EVERY_MS = 60_000;

export interface ShowSparkOptions {
  readonly status: SparkStatus;
  /** Null: a line a minute, by `say`. */
  readonly screen: Screen | null;
  readonly say: (line: string) => void;
}

export class ShowSparkStage implements Runner {
  readonly kind = "runner";
  readonly name = "show";
  readonly options = {};
  readonly metrics = {};
  readonly #options: ShowSparkOptions;
  readonly #finish = new AbortController();
  #showing: Promise<void> = Promise.resolve();

  constructor(options: ShowSparkOptions) {
    this.#options = options;
  }

  open(context: StageContext): Promise<void> {
    const { screen, status } = this.#options;
    const { clock } = context;
    const line = (): string => status.line(clock.now());
    const showing =
      screen === null
        ? this.#summaries(context, line)
        : liveDisplay(screen, clock, () => [line()], this.#finish.signal);
    this.#showing = showing.catch((error: unknown) => context.fail(error));
    return Promise.resolve();
  }

  health(): null {
    return null;
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.#finish.abort();
    await unlessGivenUp(this.#showing, signal);
  }

  close(): Promise<void> {
    this.#finish.abort();
    return Promise.resolve();
  }

  async #summaries({ clock }: StageContext, line: () => string): Promise<void> {
    const { status, say } = this.#options;
    const { signal } = this.#finish;
    while (!signal.aborted) {
      await clock.sleep(SUMMARY_EVERY_MS, signal);
      if (status.hasNews) say(line());
    }
  }
}
