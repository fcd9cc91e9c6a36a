/**
 * The systems collected in one process: started, changed and stopped as their list says, none in the way of another.
 *
 *   supply.load ─▶ compare with what runs ─▶ start the new ─ stop and retract the removed ─ restart the changed
 *        ▲                                                                                         │
 *        └───────────────────────────── supply.changed ◀───────────────────────────────────────────┘
 *
 * A system that cannot go on (an unknown station, a refused URL) stops alone, with its reason in its status, and is tried
 * again when the list changes; what stops the log stops all. Of two feeds that say they are one system, one is collected:
 * a real one before a simulated one, then the first of the list. The other starts when that one is gone.
 */
import { AppError, ConfigError } from "../../errors.ts";
import type { Clock, FeedSource, Logger, SystemDescription } from "../../ports.ts";
import type { Collector, CollectorOptions } from "./collector.ts";
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
export type OpenedSystem = Pick<CollectorOptions, "source" | "feedId" | "areasFor" | "pacerFor">;

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
  readonly collectorOf: (opened: OpenedSystem, claim: NonNullable<CollectorOptions["claim"]>) => Collector;
  /** Filled, and changed in place: of every system that runs, or has stopped for a reason. */
  readonly statuses: CollectorStatus[];
  readonly clock: Pick<Clock, "now">;
  readonly logger: Logger;
}

interface Running {
  readonly spec: SystemSpec;
  readonly source: FeedSource;
  readonly collector: Collector;
  readonly stop: AbortController;
  /** Place in the list. */
  position: number;
  /** Which system it is, while it is the one that is collected under that id. */
  claimed: SystemDescription | null;
  /** Which system it says it is, while another feed is collected under that id. */
  waitsFor: SystemDescription | null;
  ended: boolean;
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
      if (running.ended) this.#forget(running);
    }
    [...wanted.values()].forEach((spec, position) => {
      const running = this.#running.get(spec.key);
      if (running !== undefined) running.position = position;
      const goesOn = running?.spec.fingerprint === spec.fingerprint && !running.stop.signal.aborted;
      // One that stopped for a reason is tried again: the list was changed, perhaps to mend it.
      if (!goesOn || running.ended) this.#start(spec, position, running ?? null);
    });
  }

  #start(spec: SystemSpec, position: number, before: Running | null): void {
    if (before?.ended === true) this.#forget(before);
    const opened = spec.open();
    const collector = this.#options.collectorOf(opened, (system) => this.#claim(running, system));
    const running: Running = {
      spec,
      source: opened.source,
      collector,
      stop: new AbortController(),
      position,
      claimed: null,
      waitsFor: null,
      ended: false,
      done: Promise.resolve(),
    };
    running.done = (before?.done ?? Promise.resolve()).then(() => this.#collect(running));
    this.#running.set(spec.key, running);
    collector.status.provisional = spec.provisional;
    this.#options.statuses.push(collector.status);
  }

  async #collect(running: Running): Promise<void> {
    const { collector, source, stop } = running;
    try {
      await collector.run(AbortSignal.any([stop.signal, this.#stop.signal]));
    } catch (error) {
      this.#failed(running, error);
    }
    if (running.waitsFor !== null && !this.#ending) this.#standBack(running, running.waitsFor);
    const left = running.claimed;
    running.claimed = null;
    running.ended = true;
    await source.close().catch(() => undefined);
    // A system that is no longer wanted is no longer told of; one that failed is, with its reason, and so is what each of
    // them came to when all end.
    if (stop.signal.aborted && running.waitsFor === null && !this.#ending && !this.#options.supply.fixed)
      this.#forget(running);
    // One that stepped back leaves its id to the feed that asked for it.
    if (left !== null && running.waitsFor === null) this.#released(left.systemId);
  }

  /** Neither told of nor started again. */
  #forget(running: Running): void {
    const { statuses } = this.#options;
    const index = statuses.indexOf(running.collector.status);
    if (index !== -1) statuses.splice(index, 1);
    if (this.#running.get(running.spec.key) === running) this.#running.delete(running.spec.key);
  }

  /** A system's id is free: the first that waited for it is collected. */
  #released(systemId: string): void {
    if (this.#ending || this.#stop.signal.aborted || this.#options.supply.fixed) return;
    const next = [...this.#running.values()]
      .filter(({ waitsFor, ended }) => ended && waitsFor?.systemId === systemId)
      .sort((a, b) => rank(a.waitsFor, a.position) - rank(b.waitsFor, b.position))[0];
    if (next !== undefined) this.#start(next.spec, next.position, next);
  }

  #failed({ collector, spec, waitsFor }: Running, error: unknown): void {
    const own = error instanceof AppError && /^VELOSTREAM_(FEED|CONFIG|STATIONS)/.test(error.code);
    if (!own || this.#alone) {
      this.#failure ??= { error };
      this.#stop.abort();
      return;
    }
    if (waitsFor !== null) return;
    const { code, message } = error;
    collector.status.gaveUp(code, message, this.#options.clock.now());
    this.#options.logger.error("systems.stopped", message, { feed: spec.label, code });
  }

  /**
   * Two feeds that write one system's records would retract each other's stations at every poll: one of them steps back.
   * @throws ConfigError when that one is the feed that asks
   */
  async #claim(running: Running, system: SystemDescription): Promise<void> {
    for (;;) {
      const holder = [...this.#running.values()].find(
        (other) => other !== running && other.claimed?.systemId === system.systemId,
      );
      if (holder === undefined || running.stop.signal.aborted) break;
      if (rank(holder.claimed, holder.position) <= rank(system, running.position)) {
        running.waitsFor = system;
        throw new ConfigError(this.#conflict(running, system));
      }
      holder.waitsFor = holder.claimed;
      // What it has published leaves the totals before the other's stations enter them.
      holder.collector.retire();
      holder.stop.abort();
      await holder.done;
    }
    if (running.stop.signal.aborted) return this.#released(system.systemId);
    running.claimed = system;
  }

  /** Tells of a feed that is not collected because another one is that system. */
  #standBack({ collector: { status }, spec }: Running, system: SystemDescription): void {
    const { statuses, clock, logger } = this.#options;
    const message = this.#conflict({ spec }, system);
    // Told of under a name of its own: the id is that of the feed that is collected.
    const systemId = `${system.systemId} (${spec.label})`;
    if (statuses.includes(status))
      status.described({ ...system, systemId, name: `${system.name} (${spec.label})` });
    status.gaveUp("same_system", message, clock.now());
    logger.error("systems.stopped", message, { feed: spec.label, code: "same_system" });
  }

  #conflict({ spec }: Pick<Running, "spec">, { systemId, name }: SystemDescription): string {
    const others = [...this.#running.values()].filter(
      (other) => other.spec.key !== spec.key && (other.claimed ?? other.waitsFor)?.systemId === systemId,
    );
    const other = others.find(({ waitsFor }) => waitsFor === null) ?? others[0];
    return (
      `Two feeds say that they are system "${systemId}" (${name}): ${other?.spec.label ?? "another"} and ${spec.label}. ` +
      "Only one is collected: a real one before a simulated one, then the first of the list. " +
      "Remove one, or name them apart in a --feeds file."
    );
  }
}

/** Which of two feeds of one id is collected: the lower rank. */
function rank(system: SystemDescription | null, position: number): number {
  return (system?.simulated === true ? 1e9 : 0) + position;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
