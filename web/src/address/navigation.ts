/** Keeps the address bar and the page in step: opening something is a step back can undo; panning is not. */
import { formatAddress, parseAddress, type Address } from "./address.ts";

export class Navigation {
  #address: Address = parseAddress(location.search);
  readonly #listeners = new Set<(address: Address) => void>();

  constructor() {
    addEventListener("popstate", () => {
      this.#address = parseAddress(location.search);
      this.#tell();
    });
  }

  get address(): Address {
    return this.#address;
  }

  subscribe(listener: (address: Address) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Where a link to `change` leads. */
  href(change: Partial<Address>): string {
    return location.pathname + formatAddress({ ...this.#address, ...change });
  }

  /** Opens something: one more step in the history. */
  go(change: Partial<Address>): void {
    this.#set(change, "pushState");
  }

  /** Adjusts what is shown, without a step in the history. */
  adjust(change: Partial<Address>): void {
    this.#set(change, "replaceState");
  }

  #set(change: Partial<Address>, how: "pushState" | "replaceState"): void {
    const before = formatAddress(this.#address);
    this.#address = { ...this.#address, ...change };
    const after = formatAddress(this.#address);
    if (after !== before) history[how](null, "", location.pathname + after + location.hash);
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener(this.#address);
  }
}
