/**
 * Stages side by side: opened in order, given what they read, drained, closed in reverse.
 *
 *   open ─▶ running ──signal, end(), all that runs is done, a stage failed──▶ draining ─▶ closed
 *     └─ one cannot open: those before it are closed, in reverse ─▶ the error
 *
 *   draining: runners publish what they have ─▶ processors read that to its end ─▶ sinks read theirs to its end ─▶ drain
 */
import { AppError } from "../errors.ts";
import type {
  Clock,
  HealthCheck,
  HealthState,
  Log,
  Logger,
  Metrics,
  ProcessHandle,
  TopicNames,
} from "../ports.ts";
import { DRAIN_MS } from "../stages/drain.ts";
import type { ProcessorStage, Sink, Stage, StageContext } from "../stages/stage.ts";
import { follow } from "../stages/follow.ts";
import { caughtUp } from "./caught-up.ts";

const WELL: HealthState = { ok: true, reason: null };

export interface SessionOptions {
  readonly log: Log;
  readonly topics: TopicNames;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Ends it, as `end` does. */
  readonly signal: AbortSignal;
  /** What its runners publish is all there is: nothing is to be lost, and it is read to its end, however long that takes. @default false */
  readonly lossless?: boolean;
}

export class Session {
  readonly #stages: readonly Stage[];
  readonly #options: SessionOptions;
  readonly #stop = new AbortController();
  readonly #closed = new AbortController();
  readonly #failures: unknown[] = [];
  readonly #opened: Stage[] = [];

  /** The stages hold nothing before they are opened, and are opened once. */
  constructor(stages: readonly Stage[], options: SessionOptions) {
    this.#stages = stages;
    this.#options = options;
    if (options.signal.aborted) this.#stop.abort();
    options.signal.addEventListener("abort", () => this.end(), { once: true, signal: this.#closed.signal });
  }

  /** Aborts when it begins to drain. */
  get stop(): AbortSignal {
    return this.#stop.signal;
  }

  /** Begins to drain. */
  end(): void {
    this.#stop.abort();
  }

  /** Of the log, of the session, and of each stage that has something to tell. */
  checks(): readonly HealthCheck[] {
    const { log } = this.#options;
    const stopping: HealthState = { ok: false, reason: "The pipeline is stopping." };
    return [
      { name: log.kind, check: () => log.health() },
      { name: "pipeline", check: () => (this.stop.aborted ? stopping : WELL) },
      ...this.#stages
        .filter((stage) => stage.health() !== null)
        .map((stage) => ({ name: stage.checkName ?? stage.name, check: () => stage.health() ?? WELL })),
    ];
  }

  /** @throws what kept a stage from opening; nothing is left open then */
  async open(): Promise<void> {
    const { lossless: _, signal: __, ...given } = this.#options;
    const context: StageContext = {
      ...given,
      stop: this.stop,
      fail: (error) => this.#fail(error),
      checks: () => this.checks(),
    };
    for (const stage of this.#stages) {
      try {
        await stage.open(context);
      } catch (error) {
        this.end();
        await this.#close();
        throw error;
      }
      this.#opened.push(stage);
    }
  }

  /** Works until it is told to stop or all that runs is done, then drains and closes. @throws the first failure of a stage */
  async run(): Promise<void> {
    const { lossless = false, signal, clock } = this.#options;
    const finish = new AbortController();
    const giveUp = new AbortController();
    const following = this.#followAll(giveUp.signal, finish.signal);
    const members = await this.#joinAll();
    await this.#runAll();
    this.end();
    const endless = lossless && !signal.aborted;
    const deadline = endless ? new Promise<never>(() => {}) : clock.sleep(DRAIN_MS, giveUp.signal);
    const within = async (work: Promise<unknown>): Promise<unknown> => Promise.race([work, deadline]);
    await Promise.all(members.map(async (member) => this.#leave(member, within)));
    finish.abort();
    await within(Promise.all(following));
    const draining = this.#opened.map((stage) => this.#watch(stage.drain(giveUp.signal)));
    await within(Promise.all(draining));
    giveUp.abort();
    await Promise.all([...following, ...draining]);
    await this.#close();
    if (this.#failures.length > 0) throw this.#failures[0];
  }

  #fail(error: unknown): void {
    this.#failures.push(error);
    this.end();
  }

  /** Resolves when `work` settles; its failure ends the session. */
  async #watch(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#fail(error);
    }
  }

  #followAll(signal: AbortSignal, finish: AbortSignal): readonly Promise<void>[] {
    const { topics } = this.#options;
    return this.#opened
      .filter((stage) => stage.kind === "sink")
      .filter(({ reads }) => reads.some((topic) => topics[topic] !== undefined))
      .map(async (sink) => this.#watch(this.#followOne(sink, signal, finish)));
  }

  async #followOne(sink: Sink, signal: AbortSignal, finish: AbortSignal): Promise<void> {
    try {
      await follow({ ...this.#options, sink }, signal, finish);
    } catch (error) {
      if (sink.unreadable === undefined || !(error instanceof AppError)) throw error;
      sink.unreadable(error);
    }
  }

  async #joinAll(): Promise<readonly ProcessHandle[]> {
    const { log, topics } = this.#options;
    const members: ProcessHandle[] = [];
    for (const stage of this.#opened.filter((stage) => stage.kind === "processor")) {
      const topic = topics[stage.reads];
      if (topic === undefined) continue;
      try {
        const member = await log.process({ ...stage.membership(), topic }, processorOf(stage));
        members.push(member);
        stage.joined?.(member);
        void this.#watch(member.done);
      } catch (error) {
        this.#fail(error);
      }
    }
    return members;
  }

  /** Resolves when all that runs is done; without any, at the stop. */
  async #runAll(): Promise<void> {
    const running = this.#opened.flatMap((stage) =>
      stage.kind === "runner" && stage.run !== undefined ? [this.#watch(stage.run(this.stop))] : [],
    );
    if (running.length > 0) return void (await Promise.all(running));
    if (this.stop.aborted) return;
    await new Promise<void>((resolve) =>
      this.stop.addEventListener("abort", () => resolve(), { once: true }),
    );
  }

  async #leave(member: ProcessHandle, within: (work: Promise<unknown>) => Promise<unknown>): Promise<void> {
    const { log, clock } = this.#options;
    await within(caughtUp(member, log, clock));
    // Why it could not leave has been told by `done`.
    await within(member.stop()).catch(() => {});
  }

  /** One that cannot be closed keeps nobody from closing the others. */
  async #close(): Promise<void> {
    this.#closed.abort();
    for (let stage = this.#opened.pop(); stage !== undefined; stage = this.#opened.pop()) {
      try {
        await stage.close();
      } catch (error) {
        const { name } = stage;
        this.#options.logger.warn("session.not_closed", `The stage ${name} did not close as it should.`, {
          error,
        });
      }
    }
  }
}

function processorOf(stage: ProcessorStage) {
  const { refused, caughtUp, tick, committed } = stage;
  return {
    restore: stage.restore.bind(stage),
    process: stage.process.bind(stage),
    release: stage.release.bind(stage),
    ...(caughtUp === undefined ? {} : { caughtUp: caughtUp.bind(stage) }),
    ...(tick === undefined ? {} : { tick: tick.bind(stage) }),
    ...(committed === undefined ? {} : { committed: committed.bind(stage) }),
    ...(refused === undefined ? {} : { refused: refused.bind(stage) }),
  };
}
