/** The stage that shows people how the query on Spark is doing: a line that is redrawn, else one a minute. */
import type { Clock } from "../../ports.ts";
import { liveDisplay } from "../print/live-display.ts";
import type { Screen } from "../print/screen.ts";
import { ShowingStage } from "../print/showing-stage.ts";
import type { StageContext } from "../stage.ts";
import type { SparkStatus } from "./spark-status.ts";

/** Without a terminal, one line of summary this often. */
const SUMMARY_EVERY_MS = 60_000;

export interface ShowSparkOptions {
  readonly status: SparkStatus;
  /** Null: a line a minute, by `say`. */
  readonly screen: Screen | null;
  readonly say: (line: string) => void;
}

export class ShowSparkStage extends ShowingStage {
  readonly #options: ShowSparkOptions;

  constructor(options: ShowSparkOptions) {
    super();
    this.#options = options;
  }

  protected show({ clock }: StageContext, finish: AbortSignal): Promise<void> {
    const { screen, status } = this.#options;
    const line = (): string => status.line(clock.now());
    return screen === null
      ? this.#summaries(clock, line, finish)
      : liveDisplay(screen, clock, () => [line()], finish);
  }

  async #summaries(clock: Clock, line: () => string, finish: AbortSignal): Promise<void> {
    const { status, say } = this.#options;
    while (!finish.aborted) {
      await clock.sleep(SUMMARY_EVERY_MS, finish);
      if (status.hasNews) say(line());
    }
  }
}
