/**
 * Reads the files that lead to others: `gbfs.json` (1.x, 2.x per language; 3.x flat), `gbfs_versions.json`,
 * `manifest.json` (3.x).
 */
import { asId, asObject, asText, type Json } from "./fields.ts";

/** What a discovery file is, by its content. */
export type Discovery =
  | { readonly kind: "feeds"; readonly version: string | null; readonly feeds: ReadonlyMap<string, string> }
  | { readonly kind: "versions"; readonly versions: readonly VersionLink[] }
  | { readonly kind: "manifest"; readonly systems: readonly ManifestSystem[] };

export interface VersionLink {
  readonly version: string;
  readonly url: string;
}

interface ManifestSystem {
  readonly systemId: string;
  readonly versions: readonly VersionLink[];
}

/** Asked for first where a file speaks several languages: only names differ. */
const PREFERRED_LANGUAGES = ["en", "fr"];

/** Decodes one file. Never throws. @returns null when the body leads nowhere */
export function decodeDiscovery(body: unknown): Discovery | null {
  const file = asObject(body);
  const data = asObject(file?.["data"]);
  if (file === null || data === null) return null;
  if (Array.isArray(data["datasets"]))
    return { kind: "manifest", systems: manifestSystems(data["datasets"]) };
  if (Array.isArray(data["versions"])) return { kind: "versions", versions: versionLinks(data["versions"]) };
  const list = feedList(data);
  if (list === null) return null;
  const feeds = new Map<string, string>();
  for (const item of list) {
    const entry = asObject(item);
    // Some publishers name the file instead of the feed.
    const name = asText(entry?.["name"])
      ?.trim()
      .replace(/\.json$/, "");
    const url = asText(entry?.["url"])?.trim();
    if (name !== undefined && url !== undefined && name !== "" && !feeds.has(name)) feeds.set(name, url);
  }
  return feeds.size === 0 ? null : { kind: "feeds", version: asText(file["version"]), feeds };
}

function feedList(data: Json): readonly unknown[] | null {
  if (Array.isArray(data["feeds"])) return data["feeds"];
  const languages = Object.keys(data).filter((key) => Array.isArray(asObject(data[key])?.["feeds"]));
  const language = PREFERRED_LANGUAGES.find((code) => languages.includes(code)) ?? languages[0];
  const list = language === undefined ? undefined : asObject(data[language])?.["feeds"];
  return Array.isArray(list) ? list : null;
}

function versionLinks(list: readonly unknown[]): VersionLink[] {
  return list.flatMap((item) => {
    const entry = asObject(item);
    const version = asText(entry?.["version"]);
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

/** The highest version that is understood: 1.0 to 3.x, a release before its candidates. Null when none is. */
export function bestVersion(versions: readonly VersionLink[]): VersionLink | null {
  let best: { link: VersionLink; rank: number } | null = null;
  for (const link of versions) {
    const rank = versionRank(link.version);
    if (rank !== null && (best === null || rank > best.rank)) best = { link, rank };
  }
  return best?.link ?? null;
}

/** A number that grows with the version; null when it is none of 1.x to 3.x. Candidates rank below every release. */
export function versionRank(version: string): number | null {
  const match = /^v?([123])(?:\.(\d{1,3}))?(-RC\d*)?$/i.exec(version.trim());
  if (match === null) return null;
  const rank = Number(match[1]) * 1000 + Number(match[2] ?? 0);
  return match[3] === undefined ? rank : rank - 10_000;
}
