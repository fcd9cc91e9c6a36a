/**
 * The systems collected in one process: started, changed and stopped as their list says, none in the way of another.
 *
 *   supply.load ─▶ compare with what runs ─▶ start the new ─ stop and retract the removed ─ restart the changed
 *        ▲                                                                                         │
 *        └───────────────────────────── supply.changed ◀───────────────────────────────────────────┘
 *
 * A system that cannot go on (an unknown station, a refused URL) stops alone, with its reason in its status; what
 * stops the log stops all.
 */
import { AppError, ConfigError } from "../errors.ts";
import type { FeedSource, Logger, SystemDescription } from "../ports.ts";
import type { Collector, CollectorOptions } from "./collect.ts";
import type { CollectorStatus } from "./collector-status.ts";

/** One system to collect. */
export interface SystemSpec {
  /** The same key is the same system. Never shown: it may be a URL with a secret in it. */
  readonly key: string;
  /** What people call it. */
  readonly label: string;
  /** Stands for the system until its feed has said who it is. */
  readonly provisional: SystemDescription | null;
  /** Another fingerprint under the same key is a change: the system is started anew. */
  readonly fingerprint: string;
  open(): OpenedSystem;
}

/** What a collector of one system is made of. */
export type OpenedSystem = Pick<CollectorOptions, "source" | "areasFor" | "pacerFor">;

/** Where the list of systems comes from. */
export interface SystemSupply {
  /** The list never changes: when all its systems have ended, all is done. */
  readonly fixed: boolean;
  /** @throws AppError when there is no list to be had */
  load(signal: AbortSignal): Promise<readonly SystemSpec[]>;
  /** Resolves when the list may have changed, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
  /** Called once, when everything has been collected. */
  close?(): Promise<void>;
}

export interface SystemsOptions {
  readonly supply: SystemSupply;
  readonly collectorOf: (opened: OpenedSystem, claim: (system: SystemDescription) => void) => Collector;
  /** Filled, and changed in place: of every system that runs, or has stopped for a reason. */
  readonly statuses: CollectorStatus[];
  readonly logger: Logger;
}

interface Running {
  readonly spec: SystemSpec;
  readonly source: FeedSource;
  readonly collector: Collector;
  readonly stop: AbortController;
  /** The id it has claimed. */
  systemId: string | null;
  /** Never rejects. */
  done: Promise<void>;
}

/** A list whose systems are known from the start: recordings, tests. */
export function fixedSupply(systems: readonly OpenedSystem[]): SystemSupply {
  return {
    fixed: true,
    load: () =>
      Promise.resolve(
        systems.map((opened, index) => ({
          key: String(index),
          label: `feed ${index + 1}`,
          provisional: null,
          fingerprint: "",
          open: () => opened,
        })),
      ),
    changed: aborted,
  };
}

export class Systems {
  readonly #options: SystemsOptions;
  readonly #running = new Map<string, Running>();
  readonly #stop = new AbortController();
  #failure: { readonly error: unknown } | null = null;
  /** One system and no more: its failure is everyone's. */
  #alone = false;
  /** All are told to stop: none of them was removed. */
  #ending = false;

  constructor(options: SystemsOptions) {
    this.#options = options;
  }

  /**
   * Collects until `signal` aborts (or all systems of a fixed list have ended), and everything in hand is published.
   * @throws AppError when the first list cannot be had, when the log is lost, or when the only system cannot go on
   */
  async run(signal: AbortSignal): Promise<void> {
    const { supply, logger } = this.#options;
    const either = AbortSignal.any([signal, this.#stop.signal]);
    this.#apply(await supply.load(either), supply.fixed);
    while (!either.aborted) {
      const all = [...this.#running.values()].map(({ done }) => done);
      await (supply.fixed ? Promise.race([Promise.all(all), aborted(either)]) : supply.changed(either));
      if (supply.fixed || either.aborted) break;
      try {
        this.#apply(await supply.load(either), false);
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        logger.error("systems.list_unusable", `${error.message} What runs goes on as before.`, {
          code: error.code,
        });
      }
    }
    this.#ending = true;
    for (const running of this.#running.values()) running.stop.abort();
    await Promise.all([...this.#running.values()].map(({ done }) => done));
    if (this.#failure !== null) throw this.#failure.error;
  }

  #apply(specs: readonly SystemSpec[], fixed: boolean): void {
    const wanted = new Map(specs.map((spec) => [spec.key, spec]));
    this.#alone = fixed && wanted.size === 1;
    for (const [key, running] of this.#running) {
      const spec = wanted.get(key);
      if (spec?.fingerprint === running.spec.fingerprint) continue;
      // A removed system takes its stations out of the totals; a changed one keeps them and goes on from there.
      if (spec === undefined) running.collector.retire();
      running.stop.abort();
    }
    for (const [key, spec] of wanted) {
      const running = this.#running.get(key);
      const goesOn = running?.spec.fingerprint === spec.fingerprint && !running.stop.signal.aborted;
      if (!goesOn) this.#start(spec, running ?? null);
    }
  }

  #start(spec: SystemSpec, before: Running | null): void {
    const opened = spec.open();
    const stop = new AbortController();
    const collector = this.#options.collectorOf(opened, (system) => this.#claim(running, system));
    const running: Running = {
      spec,
      source: opened.source,
      collector,
      stop,
      systemId: null,
      done: Promise.resolve(),
    };
    running.done = (before?.done ?? Promise.resolve()).then(() => this.#collect(running));
    this.#running.set(spec.key, running);
    collector.status.provisional = spec.provisional;
    this.#options.statuses.push(collector.status);
  }

  async #collect(running: Running): Promise<void> {
    const { collector, source, stop, spec } = running;
    try {
      await collector.run(AbortSignal.any([stop.signal, this.#stop.signal]));
    } catch (error) {
      this.#failed(running, error);
    }
    running.systemId = null;
    await source.close().catch(() => undefined);
    // A system that is no longer wanted is no longer told of; one that failed is, with its reason, and so is what each of
    // them came to when all end.
    if (!stop.signal.aborted || this.#ending) return;
    const { statuses, supply } = this.#options;
    const index = statuses.indexOf(collector.status);
    if (!supply.fixed && index !== -1) statuses.splice(index, 1);
    if (this.#running.get(spec.key) === running) this.#running.delete(spec.key);
  }

  #failed({ collector, spec }: Running, error: unknown): void {
    const own = error instanceof AppError && /^VELOSTREAM_(FEED|CONFIG|STATIONS)/.test(error.code);
    if (!own || this.#alone) {
      this.#failure ??= { error };
      this.#stop.abort();
      return;
    }
    const { code, message } = error;
    collector.status.gaveUp(code, message);
    this.#options.logger.error("systems.stopped", message, { feed: spec.label, code });
  }

  /** Two feeds that write one system's records would retract each other's stations at every poll. */
  #claim(running: Running, { systemId, name }: SystemDescription): void {
    for (const other of this.#running.values()) {
      if (other === running || other.systemId !== systemId) continue;
      throw new ConfigError(
        `Two feeds say that they are system "${systemId}" (${name}): ${other.spec.label} and ${running.spec.label}. ` +
          "Remove one, or name them apart in a --feeds file.",
      );
    }
    running.systemId = systemId;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
