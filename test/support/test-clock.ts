/** A clock that tests move by hand: sleepers wake in order of their deadlines, nothing waits for real. */
import type { Clock } from "../../src/ports.ts";

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

export class TestClock implements Clock {
  #nowMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(nowMs = 1_760_778_679_000) {
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  sleep(durationMs: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true || durationMs <= 0) return resolve();
      const sleeper: Sleeper = {
        atMs: this.#nowMs + durationMs,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener("abort", sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", sleeper.wake);
    });
  }

  get sleeping(): number {
    return this.#sleepers.size;
  }

  /** Moves on by `durationMs`, waking sleepers on the way and letting what they do settle. */
  async advance(durationMs: number): Promise<void> {
    const end = this.#nowMs + durationMs;
    for (;;) {
      await settled();
      const next = [...this.#sleepers].filter(({ atMs }) => atMs <= end).sort((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined) break;
      this.#nowMs = next.atMs;
      next.wake();
    }
    this.#nowMs = end;
    await settled();
  }
}

/** Lets promises and immediates already under way run. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}
