/**
 * Reads the files that lead to others: `gbfs.json` (1.x, 2.x per language; 3.x flat), `gbfs_versions.json`,
 * `manifest.json` (3.x).
 */
import { feedName, isFeedName } from "./feed-names.ts";
import { asId, asObject, asText, type Json } from "../../record/feed-values.ts";

/** What a discovery file is, by its content. */
export type Discovery =
  | { readonly kind: "feeds"; readonly version: string | null; readonly feeds: FeedLists }
  | { readonly kind: "versions"; readonly versions: readonly VersionLink[] }
  | { readonly kind: "manifest"; readonly systems: readonly ManifestSystem[] };

/** URLs by the name of the file that they are of; several where a file is listed in parts. */
export type FeedLists = ReadonlyMap<string, readonly string[]>;

export interface VersionLink {
  readonly version: string;
  readonly url: string;
}

interface ManifestSystem {
  readonly systemId: string;
  readonly versions: readonly VersionLink[];
}

/** Parts of one file that are asked for; publishers list two or three. */
const MOST_PARTS = 32;
/** Names that GBFS does not know are kept to be told, not more of them. */
const MOST_NAMES = 64;
/** Languages of one file. */
const MOST_LANGUAGES = 256;

/** Asked for first where a file speaks several languages: only names differ. */
const PREFERRED_LANGUAGES = ["en", "fr"];

/** Decodes one file. Never throws. @returns null when the body leads nowhere */
export function decodeDiscovery(body: unknown): Discovery | null {
  const file = asObject(body);
  const data = asObject(file?.["data"]) ?? (file !== null && "feeds" in file ? file : null);
  if (file === null || data === null) return null;
  if (Array.isArray(data["datasets"]))
    return { kind: "manifest", systems: manifestSystems(data["datasets"]) };
  if (Array.isArray(data["versions"])) return { kind: "versions", versions: versionLinks(data["versions"]) };
  const feeds = new Map<string, readonly string[]>();
  // A language without a file, or without any, leaves it to the next: only names differ between them.
  for (const list of feedLists(data))
    for (const [name, urls] of listed(list)) if (!feeds.has(name)) feeds.set(name, urls);
  return feeds.size === 0 ? null : { kind: "feeds", version: versionOf(file), feeds };
}

function versionOf({ version }: Json): string | null {
  return typeof version === "number" ? String(version) : asText(version);
}

/** The lists of a file, the preferred language's first. */
function feedLists(data: Json): unknown[] {
  if (data["feeds"] !== undefined) return [data["feeds"]];
  const rank = (code: string): number => {
    const at = PREFERRED_LANGUAGES.indexOf(code.toLowerCase());
    return at === -1 ? PREFERRED_LANGUAGES.length : at;
  };
  const codes = Object.keys(data).toSorted((a, b) => rank(a) - rank(b));
  return codes
    .slice(0, MOST_LANGUAGES)
    .map((code) => asObject(data[code])?.["feeds"] ?? withFeedNames(data[code]));
}

/** What stands where a language's feeds should: only feeds by their names are taken for them. */
function withFeedNames(value: unknown): unknown {
  return [...listed(value).keys()].some(isFeedName) ? value : null;
}

/** One list of `{name, url}`, or an object of URLs by name. */
function listed(list: unknown): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const entries = Array.isArray(list)
    ? list.map((item: unknown) => [asObject(item)?.["name"], asObject(item)?.["url"]])
    : Object.entries(asObject(list) ?? {}).map(([name, value]) => [name, asObject(value)?.["url"] ?? value]);
  for (const [name, url] of entries) {
    const [text, address] = [asText(name)?.trim() ?? "", asText(url)?.trim() ?? ""];
    if (text === "" || address === "") continue;
    const known = feedName(text);
    const urls = found.get(known) ?? [];
    if (urls.length === 0 && found.size >= MOST_NAMES && !isFeedName(known)) continue;
    if (urls.length < MOST_PARTS && !urls.includes(address)) found.set(known, [...urls, address]);
  }
  return found;
}

function versionLinks(list: readonly unknown[]): VersionLink[] {
  return list.flatMap((item) => {
    const entry = asObject(item);
    const version = entry === null ? null : versionOf(entry);
    const url = asText(entry?.["url"]);
    return version === null || url === null ? [] : [{ version, url }];
  });
}

function manifestSystems(list: readonly unknown[]): ManifestSystem[] {
  return list.flatMap((item) => {
    const entry = asObject(item);
    const systemId = asId(entry?.["system_id"]);
    const versions = Array.isArray(entry?.["versions"]) ? versionLinks(entry["versions"]) : [];
    return systemId === null || versions.length === 0 ? [] : [{ systemId, versions }];
  });
}

/** The versions that are understood, the highest first, a release before its candidates; one link for each. */
export function understoodVersions(versions: readonly VersionLink[]): VersionLink[] {
  const ranked = new Map<number, VersionLink>();
  for (const link of versions) {
    const rank = versionRank(link.version);
    if (rank !== null && !ranked.has(rank)) ranked.set(rank, link);
  }
  return [...ranked].toSorted(([a], [b]) => b - a).map(([, link]) => link);
}

/** A number that grows with the version; null when it is none of 1.x to 3.x. Candidates rank below every release. */
export function versionRank(version: string): number | null {
  const match = /^v?([123])(?:\.(\d{1,3}))?(-RC\d*)?$/i.exec(version.trim());
  if (match === null) return null;
  const rank = Number(match[1]) * 1000 + Number(match[2] ?? 0);
  return match[3] === undefined ? rank : rank - 10_000;
}
