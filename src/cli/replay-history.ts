/** `replay` without a path: a stretch of the history through the live aggregate. */
import { UsageError } from "../errors.ts";
import { playBack } from "../history/playback/playback.ts";
import type { CommandContext } from "./command.ts";
import { askedRange } from "./history-times.ts";
import { openReader } from "./open-reader.ts";
import { topicNames } from "./open-log.ts";
import { runSession } from "./session.ts";

export async function replayHistory(context: CommandContext): Promise<number> {
  const { settings, clock, logger } = context;
  if (settings.from === null && settings.since === null)
    throw new UsageError(
      '"velostream replay" needs PATH, a recording, or --from or --since for the history. See "velostream replay --help".',
    );
  const range = askedRange(settings, clock.now(), 0);
  const reader = await openReader(settings);
  try {
    return await runSession({
      context,
      supply: null,
      lossless: true,
      aggregate: true,
      publish: async (producer, stop) => {
        let began: { readonly atMs: number; readonly clockMs: number } | null = null;
        let records = 0;
        const played = playBack({
          reader,
          system: settings.system,
          ...range,
          rawTopic: topicNames(settings).raw,
          clock,
        });
        for await (const batch of played) {
          began ??= { atMs: batch.atMs, clockMs: clock.now() };
          const dueMs = began.clockMs + (batch.atMs - began.atMs) / settings.speed;
          if (dueMs > clock.now()) await clock.sleep(dueMs - clock.now(), stop);
          if (stop.aborted) break;
          await producer.publish(batch.records, stop);
          records += batch.records.length;
        }
        logger.info("replay.played", `Played ${records} records of the history.`, { records });
        if (records === 0)
          logger.warn("replay.empty", "The history holds nothing of that system in that range.");
      },
    });
  } finally {
    reader.close();
  }
}
