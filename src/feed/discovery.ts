/**
 * From the URL that names a system to the URLs of its files, in every version on offer.
 *
 *   gbfs.json ───────▶ its feeds; gbfs_versions ▶ the other versions (version-choice.ts decides)
 *   gbfs_versions ───▶ the versions
 *   station_status ──▶ the files beside it
 */
import { asId, asObject } from "../record/feed-values.ts";
import {
  decodeDiscovery,
  understoodVersions,
  versionRank,
  type VersionLink,
} from "../domain/gbfs/discovery.ts";
import { failureOf, type FetchFailure } from "./failures.ts";
import { FeedFile, type Traffic } from "./feed-file.ts";
import type { Fetcher } from "./http-client.ts";

/** Where a system's files are. */
export interface FeedUrls {
  readonly ok: true;
  /** Of the file that told. */
  readonly from: URL;
  /** By the file's name; several where it is listed in parts. */
  readonly urls: ReadonlyMap<string, readonly URL[]>;
  readonly version: string | null;
  /** The discovery file says `simulated: true`. */
  readonly simulated: boolean;
  /** Found beside a station_status.json: files may be missing without anyone having said otherwise. */
  readonly guessed: boolean;
}

/** Every version of a system, the highest first; those that were not asked for yet as their URL. */
export interface Offer {
  readonly ok: true;
  readonly versions: readonly { readonly version: string | null; readonly at: FeedUrls | URL }[];
}

const STATUS_FILE =
  /(station[_-]?(status|information)|free[_-]?bike[_-]?status|vehicle[_-]?status)(?=[^/]*$)/i;
/** What is looked for beside a status file that was typed. */
const SIBLINGS = [
  "station_information",
  "system_information",
  "vehicle_types",
  "system_regions",
  "free_bike_status",
  "vehicle_status",
  "system_alerts",
] as const;

/** What a URL names, and every version that it leads to. Never rejects. */
export async function discover(
  client: Fetcher,
  url: URL,
  traffic: Traffic,
  signal?: AbortSignal,
): Promise<Offer | FetchFailure> {
  const found = await open(client, url, traffic, signal);
  if (!found.ok) return found;
  if ("links" in found) return offered(url, found.links, null);
  const [versionsUrl] = found.urls.get("gbfs_versions") ?? [];
  if (found.guessed || versionsUrl === undefined) return offered(url, [], found);
  const answer = await new FeedFile(client, versionsUrl, traffic).fetch(signal);
  const discovery = answer.ok ? decodeDiscovery(answer.body) : null;
  if (answer.ok) answer.release();
  // A versions file that leads nowhere costs nothing: what was found first still serves.
  return offered(versionsUrl, discovery?.kind === "versions" ? discovery.versions : [], found);
}

/** The feeds of one version. Never rejects. */
export async function openVersion(
  client: Fetcher,
  url: URL,
  traffic: Traffic,
  signal?: AbortSignal,
): Promise<FeedUrls | FetchFailure> {
  const found = await open(client, url, traffic, signal);
  return found.ok && "links" in found ? failureOf("not_gbfs", url, "versions that lead to versions") : found;
}

/** What a manifest says of one system. @param base the URL that relative ones start from */
export function offeredBy(links: readonly VersionLink[], base: URL): Offer | FetchFailure {
  return offered(base, links, null);
}

/** @param found what was at the URL itself: it stands for its version in the list */
function offered(base: URL, links: readonly VersionLink[], found: FeedUrls | null): Offer | FetchFailure {
  const own = found === null ? null : (versionRank(found.version ?? "1.0") ?? versionRank("1.0"));
  const versions: Offer["versions"][number][] = [];
  let placed = found === null;
  for (const link of understoodVersions(links)) {
    const rank = versionRank(link.version);
    const url = resolved(link.url, base);
    if (found !== null && !placed && (rank ?? 0) <= (own ?? 0)) {
      versions.push({ version: found.version, at: found });
      placed = true;
    }
    if (rank !== own && url !== null) versions.push({ version: link.version, at: url });
  }
  if (found !== null && !placed) versions.push({ version: found.version, at: found });
  return versions.length === 0
    ? failureOf("not_gbfs", base, "no version that is understood")
    : { ok: true, versions };
}

type Opened = FeedUrls | { readonly ok: true; readonly links: readonly VersionLink[] } | FetchFailure;

async function open(client: Fetcher, url: URL, traffic: Traffic, signal?: AbortSignal): Promise<Opened> {
  // A status file needs no discovery: what it says is found out by polling it.
  if (/station[_-]?status(?=[^/]*$)/i.test(url.pathname)) return beside(url, null);
  const answer = await new FeedFile(client, url, traffic).fetch(signal);
  if (!answer.ok) return answer;
  const { body } = answer;
  // What is taken of it is small.
  answer.release();
  if (isStatus(body)) return beside(url, body);
  const discovery = decodeDiscovery(body);
  if (discovery === null) return failureOf("not_gbfs", url, "no feeds in it");
  if (discovery.kind === "versions") return { ok: true, links: discovery.versions };
  if (discovery.kind === "manifest") {
    const detail = `a manifest of ${discovery.systems.length} systems that lead nowhere, or a manifest inside another`;
    return failureOf("not_gbfs", url, detail);
  }
  const urls = new Map<string, readonly URL[]>();
  for (const [name, texts] of discovery.feeds) {
    const feeds = texts.flatMap((text) => resolved(text, url) ?? []);
    if (feeds.length > 0) urls.set(name, feeds);
  }
  if (!hasStatus(urls) && !urls.has("gbfs_versions")) {
    const names = [...discovery.feeds.keys()].slice(0, 8).map((name) => name.slice(0, 40));
    return failureOf("no_status", url, `only ${names.join(", ")}`);
  }
  const simulated = asObject(body)?.["simulated"] === true;
  return { ok: true, from: url, urls, version: discovery.version, simulated, guessed: false };
}

/** A file of stations or vehicles, whatever its URL is called; a bare list is one when its records have ids. */
function isStatus(body: unknown): boolean {
  const data = asObject(asObject(body)?.["data"]);
  if (["stations", "vehicles", "bikes"].some((name) => Array.isArray(data?.[name]))) return true;
  return [asObject(body)?.["stations"], asObject(body)?.["data"], body].some(
    (list) => Array.isArray(list) && list.some((item) => asId(asObject(item)?.["station_id"]) !== null),
  );
}

/** Whether there is anything to count in a version. */
export function hasStatus(urls: FeedUrls["urls"]): boolean {
  return ["station_status", "vehicle_status", "free_bike_status"].some((name) => urls.has(name));
}

/** The files beside a status file (or a station_information.json, which people paste as well). */
function beside(url: URL, body: unknown): FeedUrls {
  const urls = new Map<string, readonly URL[]>();
  const named = STATUS_FILE.exec(url.pathname);
  const data = asObject(asObject(body)?.["data"]);
  const ofVehicles = ["vehicles", "bikes"].some((name) => Array.isArray(data?.[name]));
  if (named === null) urls.set(ofVehicles ? "vehicle_status" : "station_status", [url]);
  else {
    for (const name of ["station_status", ...SIBLINGS]) {
      const sibling = new URL(url);
      // As the file that was typed is written: station-status has a station-information beside it.
      const spelt = named[0].includes("-") ? name.replaceAll("_", "-") : name;
      sibling.pathname = url.pathname.replace(STATUS_FILE, spelt);
      urls.set(name, [sibling]);
    }
  }
  const file = asObject(body);
  const version = typeof file?.["version"] === "string" ? file["version"] : null;
  return { ok: true, from: url, urls, version, simulated: file?.["simulated"] === true, guessed: true };
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

/** Whether two discoveries found the same files. */
export function sameUrls(a: FeedUrls, b: FeedUrls): boolean {
  const told = ({ urls }: FeedUrls): string =>
    [...urls.entries()]
      .flatMap(([name, list]) => list.map(({ href }) => `${name} ${href}`))
      .toSorted((one, other) => (one < other ? -1 : 1))
      .join("\n");
  return told(a) === told(b);
}
