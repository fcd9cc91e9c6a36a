/**
 * How much memory bodies may take at once, of all feeds together: as text while they arrive, as values once they are
 * parsed, until they are decoded.
 *
 *   take ─▶ fits, or is the oldest that holds any ─▶ at once        give, release ─▶ who waits is looked at again
 *                    │ neither
 *                    └─▶ waits: the body is not read on
 *
 * The oldest is never kept waiting, so that somebody always comes to an end.
 */

export interface Share {
  /** Waits until so many more bytes may be held. Rejects as `signal` does. */
  take(bytes: number, signal?: AbortSignal): Promise<void> | null;
  /** Gives a part back. */
  give(bytes: number): void;
  /** Gives everything back; more than once does nothing. */
  release(): void;
}

interface Holder {
  bytes: number;
  wants: number;
  wake: (() => void) | null;
}

export class MemoryBudget {
  readonly #mostBytes: number;
  /** In order of their first bytes. */
  readonly #holders = new Set<Holder>();
  #heldBytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  share(): Share {
    const holder: Holder = { bytes: 0, wants: 0, wake: null };
    return {
      take: (bytes, signal) => {
        this.#holders.add(holder);
        holder.wants = bytes;
        return this.#grant(holder) ? null : this.#wait(holder, signal);
      },
      give: (bytes) => {
        const given = Math.min(bytes, holder.bytes);
        holder.bytes -= given;
        this.#heldBytes -= given;
        this.#wake();
      },
      release: () => {
        if (!this.#holders.delete(holder)) return;
        this.#heldBytes -= holder.bytes;
        holder.bytes = 0;
        this.#wake();
      },
    };
  }

  #wake(): void {
    for (const other of this.#holders) {
      const { wake } = other;
      if (wake === null || !this.#grant(other)) continue;
      other.wake = null;
      wake();
    }
  }

  #grant(holder: Holder): boolean {
    const [oldest] = this.#holders;
    if (holder !== oldest && this.#heldBytes + holder.wants > this.#mostBytes) return false;
    this.#heldBytes += holder.wants;
    holder.bytes += holder.wants;
    holder.wants = 0;
    return true;
  }

  #wait(holder: Holder, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        holder.wake = null;
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", giveUp, { once: true });
      holder.wake = () => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      if (signal?.aborted === true) giveUp();
    });
  }
}
