/**
 * A stage that shows people something for as long as it is open, and once more, as it is then, when it drains.
 *
 *   open ─▶ shown again and again ─▶ drain, close: `finish` aborts
 */
import { unlessGivenUp } from "../drain.ts";
import type { Runner, StageContext } from "../stage.ts";

export abstract class ShowingStage implements Runner {
  readonly kind = "runner";
  readonly name = "show";
  readonly options = {};
  readonly metrics = {};
  readonly #finish = new AbortController();
  #showing: Promise<void> = Promise.resolve();

  /** Shows until `finish` aborts; its failure ends the session. */
  protected abstract show(context: StageContext, finish: AbortSignal): Promise<void>;

  open(context: StageContext): Promise<void> {
    this.#showing = this.show(context, this.#finish.signal).catch((error: unknown) => context.fail(error));
    return Promise.resolve();
  }

  health(): null {
    return null;
  }

  async drain(signal: AbortSignal): Promise<void> {
    this.#finish.abort();
    // A reader of stdout that takes nothing must not hold up the end.
    await unlessGivenUp(this.#showing, signal);
  }

  close(): Promise<void> {
    this.#finish.abort();
    return Promise.resolve();
  }
}
