/** What Vélib' Métropole's feed does not say of itself: its name, and whom to credit (data.gouv.fr). */

export const VELIB_SYSTEM = {
  name: "Vélib' Métropole",
  timezone: "Europe/Paris",
  attribution: "Smovengo, Autolib' Vélib' Métropole",
  licenseUrl: "https://www.etalab.gouv.fr/licence-ouverte-open-licence/",
} as const;

/** It changes every minute, though its ttl says an hour (docs/decisions/0050-ttl.md). */
export const VELIB_PACE = { slowestMs: 60_000, respectTtl: false } as const;

/** Its own address. */
export const VELIB_URL =
  "https://velib-metropole-opendata.smovengo.cloud/opendata/Velib_Metropole/station_status.json";

/** Whether a URL is one of its files. */
export function isVelibUrl(url: URL): boolean {
  return url.hostname.startsWith("velib-metropole-opendata.") && /\/Velib_Metropole\//.test(url.pathname);
}
