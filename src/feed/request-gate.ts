/**
 * Who may send a request now: so many at once in all, so many at once to one host, hosts served in turn.
 *
 *   enter(host) ─▶ host has a free place, and so has the whole? ─▶ in, at once
 *                        │ no
 *                        ▼
 *                 the host's own queue ─▶ a place frees up ─▶ the next host in turn sends its first
 *
 * So a host with hundreds of systems, or one that hangs, delays nobody but itself.
 */
import type { RequestGate } from "./http-client.ts";

export interface FairGateOptions {
  /** Requests at once in all. */
  readonly total: number;
  /** Requests at once to one host. */
  readonly perHost: number;
}

interface Host {
  busy: number;
  readonly waiting: (() => void)[];
}

export class FairGate implements RequestGate {
  readonly #options: FairGateOptions;
  /** Every host that is busy or waited for. */
  readonly #hosts = new Map<string, Host>();
  /** Hosts with someone waiting, in turn; a Map keeps its order. */
  readonly #turns = new Map<string, Host>();
  #busy = 0;

  constructor(options: FairGateOptions) {
    this.#options = options;
  }

  /** Requests that wait for a place now. */
  get waiting(): number {
    let sum = 0;
    for (const host of this.#turns.values()) sum += host.waiting.length;
    return sum;
  }

  async enter(name: string, signal?: AbortSignal): Promise<() => void> {
    signal?.throwIfAborted();
    let host = this.#hosts.get(name);
    if (host === undefined) this.#hosts.set(name, (host = { busy: 0, waiting: [] }));
    if (host.waiting.length === 0 && this.#free(host)) this.#take(host);
    else await this.#wait(name, host, signal);
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#leave(name, host);
    };
  }

  #free(host: Host): boolean {
    return this.#busy < this.#options.total && host.busy < this.#options.perHost;
  }

  #take(host: Host): void {
    host.busy += 1;
    this.#busy += 1;
  }

  #wait(name: string, host: Host, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const start = (): void => {
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = (): void => {
        host.waiting.splice(host.waiting.indexOf(start), 1);
        if (host.waiting.length === 0) this.#turns.delete(name);
        this.#forget(name, host);
        reject(signal?.reason as Error);
      };
      host.waiting.push(start);
      this.#turns.set(name, host);
      signal?.addEventListener("abort", giveUp, { once: true });
    });
  }

  #leave(name: string, host: Host): void {
    host.busy -= 1;
    this.#busy -= 1;
    this.#forget(name, host);
    for (const [next, candidate] of this.#turns) {
      if (this.#busy >= this.#options.total) return;
      if (!this.#free(candidate)) continue;
      const start = candidate.waiting.shift();
      // To the end of the turns, or out of them.
      this.#turns.delete(next);
      if (candidate.waiting.length > 0) this.#turns.set(next, candidate);
      if (start === undefined) continue;
      this.#take(candidate);
      return start();
    }
  }

  #forget(name: string, host: Host): void {
    if (host.busy === 0 && host.waiting.length === 0) this.#hosts.delete(name);
  }
}
