/** Times on the command line, as history, import, replay and simulate take them: in a zone, across daylight saving. */
import type { Settings } from "../config/options.ts";
import { UsageError } from "../errors.ts";
import { formatTime, isTimezone, readTime } from "../history/time/local-time.ts";

/** @throws UsageError when Intl does not know the zone */
export function timezoneOf(settings: Settings): string {
  const { timezone } = settings;
  if (isTimezone(timezone)) return timezone;
  throw new UsageError(
    `--timezone: ${JSON.stringify(timezone)} is not a time zone. Write an IANA name, like Europe/Paris or UTC.`,
  );
}

/** @throws UsageError saying why `text` is no instant */
export function timeOf(text: string, flag: string, timezone: string): number {
  const reading = readTime(text, timezone);
  if (reading.ok) return reading.epochMs;
  throw new UsageError(`${flag}: ${JSON.stringify(text)} ${reading.problem}.`);
}

export interface AskedRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * What `--from`, `--to` and `--since` ask for.
 * @param sinceMs how far back without any of them
 * @throws UsageError when they contradict each other
 */
export function askedRange(settings: Settings, nowMs: number, sinceMs: number): AskedRange {
  const timezone = timezoneOf(settings);
  if (settings.since !== null && settings.from !== null)
    throw new UsageError("--since and --from both say where to begin. Leave one out.");
  const toMs = settings.to === null ? nowMs : timeOf(settings.to, "--to", timezone);
  const fromMs =
    settings.from === null ? toMs - (settings.since ?? sinceMs) : timeOf(settings.from, "--from", timezone);
  if (fromMs > nowMs)
    throw new UsageError(
      `--from: ${formatTime(fromMs, timezone)} is still to come. Write a time that has been.`,
    );
  if (fromMs >= toMs) throw new UsageError("The range is empty: --from is not before --to.");
  return { fromMs, toMs };
}
