/** The lives of the log that one writer writes of: a topic that is made again begins another. */
import type { Logger } from "../../ports.ts";
import type { Epoch } from "../time/spans.ts";
import { nextEpoch, type EpochOptions } from "./recovery.ts";

export class WrittenEpochs {
  /** The newest last. */
  readonly #epochs: [Epoch, ...Epoch[]];

  constructor(first: Epoch) {
    this.#epochs = [first];
  }

  get current(): Epoch {
    return this.#epochs.at(-1) ?? this.#epochs[0];
  }

  get all(): readonly Epoch[] {
    return [...this.#epochs];
  }

  topicIds(): ReadonlyMap<string, string> {
    return new Map(Object.entries(this.current.topicIds ?? {}));
  }

  /** What is read from now on is of these topics. */
  readsTopics(topicIds: ReadonlyMap<string, string>): void {
    const known = this.topicIds();
    if ([...topicIds].every(([topic, id]) => known.get(topic) === id)) return;
    const ids = Object.fromEntries([...known, ...topicIds]);
    this.#epochs[this.#epochs.length - 1] = { ...this.current, topicIds: ids };
  }

  /** @param known those of the archive */
  begin(known: readonly Epoch[], options: EpochOptions & { readonly logger: Pick<Logger, "warn"> }): Epoch {
    const said = "The topic begins anew: the archive goes on in a new epoch.";
    options.logger.warn("archive.log_replaced", said);
    this.#epochs.push(nextEpoch([...known, this.current], options));
    return this.current;
  }
}
