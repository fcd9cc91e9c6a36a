/**
 * Draws a block of lines at the bottom of the terminal and redraws it in place; log lines scroll by above it.
 *
 *   draw ─▶ cursor up over the old block, clear, write the new one        log line ─▶ clear, line, block again
 */
import type { Clock } from "../../ports.ts";
import type { Screen } from "./screen.ts";

/** Time between redraws, ms: ages move, and a person reads no faster. */
const REDRAW_MS = 500;

/** Redraws `render()` until `signal` aborts; the last state stays on the screen. */
export async function liveDisplay(
  terminal: Screen,
  clock: Clock,
  render: () => readonly string[],
  signal: AbortSignal,
): Promise<void> {
  let height = 0;
  const erase = (): string => terminal.erased(height);
  const block = (): string => {
    const lines = render();
    height = lines.length;
    return lines.map((line) => `${line}\n`).join("");
  };
  terminal.interceptErr((text) => {
    const old = erase();
    void terminal.out(`${old}${text}${block()}`);
  });
  try {
    while (!signal.aborted) {
      const old = erase();
      await terminal.out(`${old}${block()}`);
      await clock.sleep(REDRAW_MS, signal);
    }
    const old = erase();
    await terminal.out(`${old}${block()}`);
  } finally {
    terminal.interceptErr(null);
  }
}
