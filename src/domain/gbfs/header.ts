/** What every GBFS file says of itself. */
import { asCount, asText, asTimeMs, type Json } from "../../record/feed-values.ts";

/** The header that every GBFS file opens with. Vélib' writes `lastUpdatedOther` and no version. */
export function header(body: Json): {
  version: string | null;
  lastUpdatedMs: number | null;
  ttlSeconds: number | null;
} {
  const { version } = body;
  return {
    version: typeof version === "number" ? String(version) : asText(version),
    lastUpdatedMs: asTimeMs(body["last_updated"] ?? body["lastUpdatedOther"]),
    ttlSeconds: asCount(body["ttl"]),
  };
}
