/** How velostream names itself to publishers: version, and whom to write to when it misbehaves. */
import { readFileSync } from "node:fs";

/** @param contact an address or URL of whoever runs this instance (`--contact`) */
export function userAgent(contact: string | null = null): string {
  const file = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { version } = JSON.parse(file) as { version: string };
  // Header values are visible ASCII; anything else a user types would make every request fail.
  const safe = contact?.replace(/[^\x20-\x7e]/g, "").trim();
  return `velostream/${version}${safe ? ` (+${safe})` : ""}`;
}
