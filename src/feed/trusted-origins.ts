/** What a user typed: origins that are trusted for one feed, and the secrets that go there and nowhere else. */

export type Headers = Readonly<Record<string, string>>;

export class TrustedOrigins {
  readonly #headers = new Map<string, Headers>();
  /** The very files that were typed. */
  readonly #typed = new Set<string>();

  /**
   * @param headers sent to that origin alone, never after a redirect elsewhere
   * @returns the URL without its credentials: they are sent as a header
   */
  trust(typed: URL, headers: Headers = {}): URL {
    const url = new URL(typed);
    const own: Record<string, string> = { ...headers };
    if (url.username !== "" || url.password !== "") {
      const pair = `${decoded(url.username)}:${decoded(url.password)}`;
      own["authorization"] = `Basic ${Buffer.from(pair).toString("base64")}`;
      url.username = "";
      url.password = "";
    }
    this.#headers.set(url.origin, { ...this.#headers.get(url.origin), ...own });
    this.#typed.add(`${url.origin}${url.pathname}`);
    return url;
  }

  /**
   * The headers for a URL; null for a stranger's.
   * @param strayed a redirect had led elsewhere before: whoever sent it back may name no file of the origin but the
   * one that was typed, or they could have its secrets sent to any
   */
  headersFor(url: URL, strayed: boolean): Headers | null {
    if (strayed && !this.#typed.has(`${url.origin}${url.pathname}`)) return null;
    return this.#headers.get(url.origin) ?? null;
  }

  isTrusted({ origin }: URL): boolean {
    return this.#headers.has(origin);
  }
}

/** A user or password as it was meant; what is no percent-encoding is meant as it stands. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
