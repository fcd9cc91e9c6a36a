/**
 * Which URLs are fetched. What the user typed is trusted, http and loopback too; so is everything on the same
 * origin. Every other URL came from a stranger (catalogue, manifest, discovery file, redirect, API):
 *
 *   https only ─▶ no credentials ─▶ not a private address as written ─▶ nor as resolved, at the moment of connecting
 *
 * The last check is made inside the connection's own look-up, so the address checked is the address connected to:
 * a name that answers differently the second time (DNS rebinding) gains nothing.
 */
import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import ipaddr from "ipaddr.js";

/** What a stranger's URL may do beyond the rules above. */
export interface UrlPolicy {
  /** Private, loopback and link-local addresses too. */
  readonly allowPrivateAddresses: boolean;
  /** Plain http too. */
  readonly allowInsecureHttp: boolean;
}

export const STRICT_POLICY: UrlPolicy = { allowPrivateAddresses: false, allowInsecureHttp: false };

/** Why a stranger's URL is not fetched, as half a sentence; null when it may be. Names are checked when connecting. */
export function refusal(url: URL, policy: UrlPolicy): string | null {
  if (url.protocol !== "https:" && url.protocol !== "http:") return "its scheme is not https";
  if (url.protocol === "http:" && !policy.allowInsecureHttp) return "it is not https";
  if (url.username !== "" || url.password !== "") return "it carries credentials";
  if (policy.allowPrivateAddresses) return null;
  const host = url.hostname.replace(/^\[|\]$/g, "");
  if (host === "") return "it has no host";
  if (ipaddr.isValid(host)) return isPublicAddress(host) ? null : "its address is not a public one";
  // RFC 6761: never a public name, whatever a resolver says.
  return /(^|\.)localhost\.?$/i.test(host) ? "its address is not a public one" : null;
}

/** True for an address that anyone on the Internet could mean. */
export function isPublicAddress(text: string): boolean {
  if (!ipaddr.isValid(text)) return false;
  // `process` unwraps IPv4-mapped IPv6 (::ffff:127.0.0.1).
  const address = ipaddr.process(text);
  if (address.range() !== "unicast") return false;
  if (OF_CLOUDS.some((range) => address.kind() === range[0].kind() && address.match(range))) return false;
  // Global unicast is 2000::/3; outside of it hide IPv4-compatible (::7f00:1) and unassigned addresses.
  return address.kind() === "ipv4" || address.match(ipaddr.parseCIDR("2000::/3"));
}

/**
 * Addresses that look public and are the clouds' own, reached from inside alone: Azure's wire server (168.63.129.16),
 * Equinix Metal's metadata (192.80.8.124), the service networks of IBM Cloud. The others' are link-local, private or
 * carrier-grade (Alibaba's 100.100.100.200), and so none by their range.
 */
const OF_CLOUDS = ["168.63.129.16/32", "192.80.8.124/32", "161.26.0.0/16", "166.8.0.0/14"].map((range) =>
  ipaddr.parseCIDR(range),
);

/** The error a guarded look-up fails with. */
export const BLOCKED_ADDRESS = "ERR_VELOSTREAM_BLOCKED_ADDRESS";

/**
 * A look-up for connections to strangers: an answer that holds any address that is not public is refused whole.
 * @param resolve stands in for the system's resolver in tests
 */
export function guardedLookup(resolve: typeof systemLookup = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: LookupAddress[]) => {
      if (error !== null) return callback(error, []);
      const first = addresses[0];
      if (first === undefined || addresses.some(({ address }) => !isPublicAddress(address))) {
        return callback(
          Object.assign(new Error(`${hostname} resolves to an address that is not public`), {
            code: BLOCKED_ADDRESS,
          }),
          [],
        );
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
