/** Turns `--feed` and `--feeds` into systems to collect. */
import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join } from "node:path";
import { readProcess } from "../../config/process-input.ts";
import { OPTIONS, type Settings } from "../../config/options.ts";
import type { Clock, Logger } from "../../ports.ts";
import { Catalogue } from "../../feed/catalogue.ts";
import { systemIdOf } from "../../feed/feed-target.ts";
import { HttpClient } from "../../feed/http-client.ts";
import { HttpFeed } from "../../feed/http-feed.ts";
import { FairGate } from "../../feed/request-gate.ts";
import { ReverseGeocoder } from "../../feed/reverse-geocoding.ts";
import { userAgent } from "../../feed/user-agent.ts";
import type { SystemSpec, SystemSupply } from "./systems.ts";
import { FeedDirectory, type DirectoryFeed } from "./feed-directory.ts";
import { areaRules, pacerRules } from "./system-rules.ts";

/** Requests at once to one host: hundreds of catalogue systems share a few hosts. */
const REQUESTS_PER_HOST = 4;

export interface OpenedFeeds extends SystemSupply {
  close(): Promise<void>;
}

export interface FeedContext {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** A URL without what may be secret in it. */
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** The client that every feed and the catalogue share. */
export function feedClient({ settings, clock }: Pick<FeedContext, "settings" | "clock">): HttpClient {
  return new HttpClient({
    userAgent: userAgent(settings.contact),
    policy: {
      allowPrivateAddresses: settings["allow-private-addresses"],
      allowInsecureHttp: settings["allow-insecure-http"],
    },
    gate: new FairGate({ total: Math.max(1, settings["max-requests"]), perHost: REQUESTS_PER_HOST }),
    now: () => clock.now(),
  });
}

/** The folder for what is fetched once and kept: one that was named, else where programs keep such things. */
function cacheFolder(settings: Settings): string {
  const folder = settings["data-dir"];
  return folder === OPTIONS["data-dir"].default ? join(homedir(), ".cache", "velostream") : folder;
}

export function openCatalogue(context: FeedContext, client: HttpClient): Catalogue {
  const { settings, clock, logger } = context;
  const cacheFile = join(cacheFolder(settings), "systems.csv");
  return new Catalogue({ client, cacheFile, source: settings.catalogue, clock, logger });
}

/** @throws ConfigError when the `--areas` file cannot be used */
export function openFeeds(context: FeedContext): OpenedFeeds {
  const { settings, clock, logger } = context;
  const client = feedClient(context);
  const directory = new FeedDirectory({
    feed: settings.feed,
    feeds: settings.feeds,
    catalogue: openCatalogue(context, client),
    client,
    clock,
    logger,
    env: readProcess().env,
  });
  const geocoder = settings.geocode
    ? new ReverseGeocoder({
        client,
        cacheFile: join(cacheFolder(settings), "postcodes.ndjson"),
        clock,
        logger,
      })
    : null;
  const rules = areaRules(settings.areas, settings["areas-property"], { geocoded: geocoder, logger });
  const specOf = ({ key, target, listed }: DirectoryFeed): SystemSpec => {
    const { interval, areas, areasProperty, headers } = listed;
    const areasFor =
      areas === null
        ? rules
        : areaRules(areas, areasProperty ?? settings["areas-property"], { geocoded: geocoder, logger });
    // A digest, so that no secret of a URL or header is kept or shown.
    const told = JSON.stringify([
      target.url.href,
      target.versions,
      target.systemId,
      headers,
      interval,
      areas,
      areasProperty,
    ]);
    const label = listed.name ?? shown(target.url);
    return {
      key,
      label,
      provisional: target.description ?? {
        systemId: target.systemId ?? systemIdOf(target.url),
        name: label,
        timezone: null,
        attribution: null,
        licenseUrl: null,
        simulated: false,
      },
      fingerprint: createHash("sha256").update(told).digest("base64"),
      open: () => ({
        source: new HttpFeed({ target, client, clock }),
        feedId: createHash("sha256").update(shown(target.url)).digest("hex").slice(0, 8),
        areasFor,
        pacerFor: pacerRules(interval ?? settings.interval, false),
      }),
    };
  };
  return {
    fixed: directory.fixed,
    load: async (signal) => (await directory.load(signal)).map(specOf),
    changed: (signal) => directory.changed(signal),
    close: async () => {
      await geocoder?.close();
      await client.close();
    },
  };
}
