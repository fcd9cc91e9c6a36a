/** The stages that run side by side: the first failure, or the outer signal, stops them all. */

export class Stages {
  readonly #stop = new AbortController();
  readonly #failures: unknown[] = [];

  constructor(signal: AbortSignal) {
    if (signal.aborted) this.#stop.abort();
    else signal.addEventListener("abort", () => this.#stop.abort(), { once: true });
  }

  /** Aborts when the stages are to stop. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  end(): void {
    this.#stop.abort();
  }

  /** Resolves at the stop. */
  stopped(): Promise<void> {
    return new Promise((resolve) => {
      if (this.stop.aborted) resolve();
      else this.stop.addEventListener("abort", () => resolve(), { once: true });
    });
  }

  /** The session ends with this error. */
  readonly fail = (error: unknown): void => {
    this.#failures.push(error);
    this.#stop.abort();
  };

  /** Resolves when `stage` settles; its failure stops the others and is kept. */
  async watch(stage: Promise<unknown>): Promise<void> {
    try {
      await stage;
    } catch (error) {
      this.fail(error);
    }
  }

  /** @throws the first failure, if there was one */
  rethrow(): void {
    if (this.#failures.length > 0) throw this.#failures[0];
  }
}
