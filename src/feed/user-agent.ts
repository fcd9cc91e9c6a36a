/** How velostream names itself to publishers: version, and whom to write to when it misbehaves. */
import { PACKAGE_VERSION } from "../package-version.ts";

/** @param contact an address or URL of whoever runs this instance (`--contact`) */
export function userAgent(contact: string | null = null): string {
  // Header values are visible ASCII; anything else a user types would make every request fail.
  const safe = contact?.replace(/[^\x20-\x7e]/g, "").trim();
  return `velostream/${PACKAGE_VERSION}${safe ? ` (+${safe})` : ""}`;
}
