/** What the serve options mean to the server. */
import ipaddr from "ipaddr.js";
import type { Settings } from "../../config/options.ts";
import { ConfigError } from "../../errors.ts";
import { isHostName } from "../../http/host-check.ts";
import type { ServeOptions } from "../../http/serve.ts";

/** @throws ConfigError when an option cannot be used */
export function serveSettings(
  settings: Settings,
): Pick<
  ServeOptions,
  | "host"
  | "port"
  | "allowHosts"
  | "trustProxies"
  | "basePath"
  | "frameAncestors"
  | "corsOrigins"
  | "requestsPerMinute"
  | "maxStreams"
  | "maxStreamsOfClient"
  | "tiles"
> {
  return {
    host: settings.host,
    port: settings.port,
    allowHosts: (settings["allow-host"] ?? []).map(checkedName),
    trustProxies: (settings["trust-proxy"] ?? []).map(checkedProxy),
    basePath: checkedBasePath(settings["base-path"]),
    frameAncestors: (settings["frame-ancestors"] ?? []).map((origin) =>
      checkedOrigin(origin, "--frame-ancestors"),
    ),
    corsOrigins: (settings.cors ?? []).map((origin) => checkedOrigin(origin, "--cors")),
    requestsPerMinute: settings["rate-limit"],
    maxStreams: settings["max-streams"],
    maxStreamsOfClient:
      settings["max-streams-per-address"] === 0 ? null : settings["max-streams-per-address"],
    tiles: settings.tiles === null ? null : checkedTiles(settings.tiles, settings["tiles-attribution"]),
  };
}

/** @throws ConfigError when it names no host */
export function checkedName(name: string): string {
  if (isHostName(name)) return name;
  throw new ConfigError(
    `--allow-host: ${JSON.stringify(name)} is not a host name. Write it without scheme, port or path, like bikes.example.org.`,
  );
}

function checkedProxy(proxy: string): string {
  const [address = "", bits] = proxy.split("/");
  const isNetwork = bits === undefined ? ipaddr.isValid(address) : ipaddr.isValidCIDR(proxy);
  // 127.1 is an address to some, and another to others.
  if (isNetwork && (address.includes(":") || ipaddr.IPv4.isValidFourPartDecimal(address))) return proxy;
  throw new ConfigError(
    `--trust-proxy: ${JSON.stringify(proxy)} is not an address. Write one like 127.0.0.1, or a network like 10.0.0.0/8.`,
  );
}

/** Without a slash at its end; "" for none. */
function checkedBasePath(path: string | null): string {
  const trimmed = (path ?? "").replace(/\/+$/, "");
  // Segments that no client and no proxy writes otherwise: nothing to decode, nothing to resolve.
  if (/^(?:\/(?!\.{1,2}(?:\/|$))[\w.~-]+)*$/.test(trimmed)) return trimmed;
  throw new ConfigError(
    `--base-path: ${JSON.stringify(path)} cannot be served. Write a path of letters, digits, dots and dashes that begins with a slash, like /bikes.`,
  );
}

function checkedOrigin(origin: string, option: string): string {
  if (origin === "*") return origin;
  const parsed = URL.parse(origin);
  // Both become parts of headers: nothing but http and https has an origin that can be written there.
  if (parsed?.origin !== origin || !/^https?:$/.test(parsed.protocol)) {
    throw new ConfigError(
      `${option}: ${origin} is not an origin. Write scheme and host, like https://example.org, or *.`,
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
