/**
 * From the URL that names a system to the URLs of its files.
 *
 *   gbfs.json ───────▶ its feeds; gbfs_versions ▶ the highest version understood
 *   gbfs_versions ───▶ the highest version understood ▶ its feeds
 *   station_status ──▶ the files beside it
 */
import { asObject } from "../domain/gbfs/fields.ts";
import { bestVersion, decodeDiscovery, versionRank, type VersionLink } from "../domain/gbfs/discovery.ts";
import { failureMessage, type FetchFailure } from "./failures.ts";
import { FeedFile, type Traffic } from "./feed-file.ts";
import type { Fetcher } from "./http-client.ts";

/** Where a system's files are. */
export interface FeedUrls {
  readonly ok: true;
  readonly urls: ReadonlyMap<string, URL>;
  readonly version: string | null;
  /** The discovery file says `simulated: true`. */
  readonly simulated: boolean;
  /** Found beside a station_status.json: files may be missing without anyone having said otherwise. */
  readonly guessed: boolean;
}

const STATUS_FILE = /station_(status|information)(?=[^/]*$)/;

/** Never rejects. */
export async function discover(
  client: Fetcher,
  url: URL,
  traffic: Traffic,
  signal?: AbortSignal,
): Promise<FeedUrls | FetchFailure> {
  const found = await follow(client, url, traffic, signal);
  if (!found.ok || found.guessed) return found;
  const versions = found.urls.get("gbfs_versions");
  if (versions === undefined) return found;
  const better = await betterVersion(client, versions, found, traffic, signal);
  if (better === null || better.href === url.href) return found;
  const upgraded = await follow(client, better, traffic, signal);
  // A versions file that leads nowhere costs nothing: what was found first still serves.
  return upgraded.ok && hasStatus(upgraded.urls) ? upgraded : found;
}

function hasStatus(urls: ReadonlyMap<string, URL>): boolean {
  return ["station_status", "vehicle_status", "free_bike_status"].some((name) => urls.has(name));
}

async function betterVersion(
  client: Fetcher,
  versionsUrl: URL,
  found: FeedUrls,
  traffic: Traffic,
  signal?: AbortSignal,
): Promise<URL | null> {
  const answer = await new FeedFile(client, versionsUrl, traffic).fetch(signal);
  const discovery = answer.ok ? decodeDiscovery(answer.body) : null;
  const best = discovery?.kind === "versions" ? bestVersion(discovery.versions) : null;
  if (best === null) return null;
  const [bestRank, rank] = [versionRank(best.version), versionRank(found.version ?? "1.0")];
  return bestRank !== null && bestRank > (rank ?? -Infinity) ? resolved(best.url, versionsUrl) : null;
}

async function follow(
  client: Fetcher,
  start: URL,
  traffic: Traffic,
  signal?: AbortSignal,
): Promise<FeedUrls | FetchFailure> {
  // A status file needs no discovery: what it says is found out by polling it.
  if (/station_status(?=[^/]*$)/.test(start.pathname)) return beside(start, null);
  let url = start;
  for (let hop = 0; hop < 2; hop += 1) {
    const answer = await new FeedFile(client, url, traffic).fetch(signal);
    if (!answer.ok) return answer;
    if (Array.isArray(asObject(asObject(answer.body)?.["data"])?.["stations"]))
      return beside(url, answer.body);
    const discovery = decodeDiscovery(answer.body);
    if (discovery === null) return notGbfs(url, "no feeds in it");
    if (discovery.kind === "manifest") {
      return notGbfs(url, `a manifest of ${discovery.systems.length} systems, not one of them`);
    }
    if (discovery.kind === "feeds") {
      const urls = new Map<string, URL>();
      for (const [name, text] of discovery.feeds) {
        const feed = resolved(text, url);
        if (feed !== null) urls.set(name, feed);
      }
      if (!hasStatus(urls) && !urls.has("gbfs_versions"))
        return notGbfs(url, "no station or vehicle status in it");
      const simulated = asObject(answer.body)?.["simulated"] === true;
      return { ok: true, urls, version: discovery.version, simulated, guessed: false };
    }
    const next: VersionLink | null = bestVersion(discovery.versions);
    const nextUrl = next === null ? null : resolved(next.url, url);
    if (nextUrl === null) return notGbfs(url, "no version that is understood");
    url = nextUrl;
  }
  return notGbfs(url, "versions that lead to versions");
}

/** The files beside a station_status.json (or a station_information.json, which people paste as well). */
function beside(url: URL, body: unknown): FeedUrls {
  const urls = new Map<string, URL>();
  if (STATUS_FILE.test(url.pathname)) {
    for (const name of ["station_status", "station_information", "system_information", "vehicle_types"]) {
      const sibling = new URL(url);
      sibling.pathname = url.pathname.replace(STATUS_FILE, name);
      urls.set(name, sibling);
    }
  } else urls.set("station_status", url);
  const file = asObject(body);
  const version = typeof file?.["version"] === "string" ? file["version"] : null;
  return { ok: true, urls, version, simulated: file?.["simulated"] === true, guessed: true };
}

/**
 * A listed URL, relative ones too; null when it is none. A publisher reached by https that lists http is asked by
 * https: the same server, and no one in between.
 */
function resolved(text: string, base: URL): URL | null {
  const url = URL.parse(text, base.href);
  if (url === null) return null;
  if (base.protocol === "https:" && url.protocol === "http:" && url.port === "") url.protocol = "https:";
  return url;
}

function notGbfs(url: URL, detail: string): FetchFailure {
  return {
    ok: false,
    outcome: "not_gbfs",
    message: failureMessage("not_gbfs", url.host, detail),
    retryAfterMs: null,
  };
}
