/** Turns `--feed` into sources of polls. */
import packageJson from "../../package.json" with { type: "json" };
import type { Settings } from "../config/options.ts";
import { UsageError } from "../errors.ts";
import { typedTarget, velibTarget, type FeedTarget } from "../feed/feed-target.ts";
import { HttpClient } from "../feed/http-client.ts";
import { HttpFeed } from "../feed/http-feed.ts";
import type { Clock, FeedSource } from "../ports.ts";

/** @throws UsageError when a feed is neither a URL nor a name that is known */
export function openFeeds(settings: Settings, clock: Clock): readonly FeedSource[] {
  const client = new HttpClient({ userAgent: `velostream/${packageJson.version}`, now: () => clock.now() });
  return settings.feed.map((text) => new HttpFeed({ target: feedTarget(text), client, clock }));
}

function feedTarget(text: string): FeedTarget {
  const target = text === "velib" ? velibTarget() : typedTarget(text);
  if (target === null)
    throw new UsageError(
      `--feed: ${JSON.stringify(text)} is no http or https URL. Write the address of a gbfs.json or station_status.json.`,
    );
  return target;
}
