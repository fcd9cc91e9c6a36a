/** `replay` without a path: a stretch of the history through the live aggregate. */
import { UsageError } from "../errors.ts";
import { PlaybackStage } from "../stages/collect/playback.ts";
import type { CommandContext } from "./command.ts";
import { askedRange } from "./history-times.ts";
import { openReader } from "./open-reader.ts";
import { runSession } from "./session.ts";

export async function replayHistory(context: CommandContext): Promise<number> {
  const { settings, clock } = context;
  if (settings.from === null && settings.since === null)
    throw new UsageError(
      '"velostream replay" needs PATH, a recording, or --from or --since for the history. See "velostream replay --help".',
    );
  const range = askedRange(settings, clock.now(), 0);
  const reader = await openReader(settings);
  try {
    const { system, speed } = settings;
    return await runSession({
      context,
      supply: null,
      lossless: true,
      aggregate: true,
      source: new PlaybackStage({ reader, system, speed, ...range }),
    });
  } finally {
    reader.close();
  }
}
