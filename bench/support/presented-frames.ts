/**
 * Frames as a page's reader sees them: when the page's animation frames came, and how many Chromium itself could not put on
 * the screen in time, compositor and drawing included.
 *
 *   every 16.7 ms a frame is due ─┬─ the page's turn comes in time? ──▶ missed, when not
 *                                 └─ picture ready in time? ──────────▶ dropped, when there was one to show
 */
import type { CDPSession, Page } from "playwright-core";

export const FRAME_MS = 1_000 / 60;

export interface PresentedFrames {
  /** Between the page's animation frames. */
  readonly intervalsMs: readonly number[];
  /** How many were due in that time. */
  readonly due: number;
  /** Of them, how many the page's main thread had no turn in. */
  readonly missed: number;
  /** Of them, how many Chromium counts as dropped. */
  readonly dropped: number;
}

/** In the page: when each animation frame came. */
const COUNT = `
  window.frameTimesMs = [];
  window.countsFrames = true;
  const count = (nowMs) => { window.frameTimesMs.push(nowMs); if (window.countsFrames) requestAnimationFrame(count); };
  requestAnimationFrame(count);
`;

/** Watches until the returned function is called. The trace it needs is small, and costs the page next to nothing. */
export async function watchFrames(page: Page, session: CDPSession): Promise<() => Promise<PresentedFrames>> {
  let dropped = 0;
  const count = ({ value }: { readonly value: readonly object[] }): void => {
    dropped += value.filter((event) => "name" in event && event.name === "DroppedFrame").length;
  };
  session.on("Tracing.dataCollected", count);
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: ["disabled-by-default-devtools.timeline.frame"] },
  });
  await page.evaluate(COUNT);
  return async () => {
    const timesMs = await page.evaluate<number[]>("window.countsFrames = false; window.frameTimesMs");
    const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    await complete;
    session.off("Tracing.dataCollected", count);
    const intervalsMs = timesMs.slice(1).map((time, index) => time - (timesMs[index] ?? time));
    const due = intervalsMs.reduce((sum, ms) => sum + Math.max(1, Math.round(ms / FRAME_MS)), 0);
    return { intervalsMs, due, missed: due - intervalsMs.length, dropped };
  };
}
