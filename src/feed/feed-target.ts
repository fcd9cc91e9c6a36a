/** What a `--feed` names, once resolved: a URL to start from, and what is known of the system before asking it. */
import { isVelibUrl, VELIB_SYSTEM, VELIB_URL } from "../velib/velib-system.ts";
import type { VersionLink } from "../domain/gbfs/discovery.ts";
import type { SystemDescription } from "../ports.ts";

export interface FeedTarget {
  readonly url: URL;
  /** The user typed the URL: it and its origin are trusted. */
  readonly typed: boolean;
  /** Sent to the URL's origin alone. */
  readonly headers: Readonly<Record<string, string>>;
  /** Known without asking (Vélib', so that its outage is told as such); null: the feed says. */
  readonly description: SystemDescription | null;
  /** The catalogue's id, which wins over the feed's own; null: the feed says. */
  readonly systemId: string | null;
  /** Every version that a manifest lists, where it lists several: `url` is the highest. */
  readonly versions?: readonly VersionLink[];
}

export const VELIB: SystemDescription = {
  systemId: "velib",
  ...VELIB_SYSTEM,
  simulated: false,
};

/** Vélib' Métropole: the default feed. */
export function velibTarget(): FeedTarget {
  return { url: new URL(VELIB_URL), typed: true, headers: {}, description: VELIB, systemId: "velib" };
}

/** A URL that the user typed; null when the text is no http or https URL. */
export function typedTarget(text: string, headers: Readonly<Record<string, string>> = {}): FeedTarget | null {
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null) return null;
  // Vélib' by its own address, whichever of its files was named.
  if (isVelibUrl(url)) {
    return { url, typed: true, headers, description: VELIB, systemId: "velib" };
  }
  return { url, typed: true, headers, description: null, systemId: null };
}

/** Path parts that name no system. */
const GENERIC =
  /^(gbfs|v?\d+(\.\d+)*(-rc\d*)?|[a-z]{2}|public|opendata|customer|feeds?|api|[^.]+\.json|station_status)$/i;

/** An id for a system that does not say its own: the last telling part of its path, else its host. */
export function systemIdOf(url: URL): string {
  const part = url.pathname
    .split("/")
    .filter((text) => text !== "" && !GENERIC.test(text))
    .at(-1);
  return safeSystemId(part ?? url.host);
}

/** An id fit for record keys (`system:station`) and metric labels. */
export function safeSystemId(text: string): string {
  const safe = text
    .normalize("NFC")
    .replace(/[^\p{L}\p{N}._-]+/gu, "_")
    .slice(0, 64);
  return safe === "" ? "system" : safe;
}
