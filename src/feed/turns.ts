/** One at a time: large texts are parsed in turn, so that only one of them is there twice. */

export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `work` when everything that was given before has ended. */
  take<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(work);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
