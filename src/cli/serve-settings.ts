/** What the serve options mean to the server. */
import type { Settings } from "../config/options.ts";
import { ConfigError } from "../errors.ts";
import type { ServeOptions } from "../http/serve.ts";

/** @throws ConfigError when an option cannot be used */
export function serveSettings(
  settings: Settings,
): Pick<ServeOptions, "host" | "port" | "corsOrigins" | "requestsPerMinute" | "maxStreams" | "tiles"> {
  return {
    host: settings.host,
    port: settings.port,
    corsOrigins: (settings.cors ?? []).map(checkedOrigin),
    requestsPerMinute: settings["rate-limit"],
    maxStreams: settings["max-streams"],
    tiles: settings.tiles === null ? null : checkedTiles(settings.tiles, settings["tiles-attribution"]),
  };
}

function checkedOrigin(origin: string): string {
  if (origin === "*") return origin;
  if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
    throw new ConfigError(
      `--cors: ${origin} is no origin. Write scheme and host, like https://example.org, or *.`,
    );
  }
  return origin;
}

function checkedTiles(url: string, attribution: string | null): ServeOptions["tiles"] {
  const parsed = URL.parse(url.replaceAll(/[{}]/g, ""));
  const usable = parsed !== null && /^https?:$/.test(parsed.protocol) && parsed.username === "";
  // The origin becomes part of the Content-Security-Policy: nothing in it may be a placeholder.
  const placed = ["{z}", "{x}", "{y}"].every((part) => url.includes(part)) && !/^[^/]*\/\/[^/]*\{/.test(url);
  if (!usable || !placed) {
    throw new ConfigError(
      "--tiles: not the address of raster tiles. Write one like https://tile.example.org/{z}/{x}/{y}.png.",
    );
  }
  return { url, attribution };
}
