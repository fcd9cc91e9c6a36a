/** The stage that publishes a stretch of the history again, in place of collectors. */
import { playBack } from "../../history/playback/playback.ts";
import type { ArchiveReader } from "../../history/read/archive-reader.ts";
import type { LogProducer } from "../../ports.ts";
import type { Runner, StageContext } from "../stage.ts";

export interface PlaybackStageOptions {
  /** Closed by whoever opened it. */
  readonly reader: ArchiveReader;
  readonly system: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** How many times faster than it was recorded. */
  readonly speed: number;
}

export class PlaybackStage implements Runner {
  readonly kind = "runner";
  readonly name = "playback";
  readonly options = {};
  readonly metrics = {};
  readonly #options: PlaybackStageOptions;
  #opened: { readonly context: StageContext; readonly producer: LogProducer } | null = null;

  constructor(options: PlaybackStageOptions) {
    this.#options = options;
  }

  async open(context: StageContext): Promise<void> {
    this.#opened = { context, producer: await context.log.producer() };
  }

  async run(stop: AbortSignal): Promise<void> {
    if (this.#opened === null) throw new Error("the playback was never opened");
    const { producer, context } = this.#opened;
    const { clock, logger, topics } = context;
    const { speed, ...range } = this.#options;
    let began: { readonly atMs: number; readonly clockMs: number } | null = null;
    let records = 0;
    for await (const batch of playBack({ ...range, rawTopic: topics.raw, clock })) {
      began ??= { atMs: batch.atMs, clockMs: clock.now() };
      const dueMs = began.clockMs + (batch.atMs - began.atMs) / speed;
      if (dueMs > clock.now()) await clock.sleep(dueMs - clock.now(), stop);
      if (stop.aborted) break;
      await producer.publish(batch.records, stop);
      records += batch.records.length;
    }
    logger.info("replay.played", `Played ${records} records of the history.`, { records });
    if (records === 0) logger.warn("replay.empty", "The history holds nothing of that system in that range.");
  }

  health(): null {
    return null;
  }

  drain(): Promise<void> {
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#opened?.producer.close();
  }
}
