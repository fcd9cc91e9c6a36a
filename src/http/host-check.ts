/**
 * Whether a request means this server: its Host names it. A page of a stranger whose name was made to point at us
 * (DNS rebinding) sends the stranger's name, and is told 421.
 *
 *   Host ─▶ name without port, case and last dot ─▶ loopback? --host? --allow-host? ─▶ answered
 *                                                  └ none of them ─▶ 421        two of them, or no name ─▶ 400
 */
import type { IncomingMessage } from "node:http";
import { hostname } from "node:os";
import ipaddr from "ipaddr.js";
import { HttpError } from "../errors.ts";

export interface HostCheckOptions {
  /** Address that is served on. On every interface (0.0.0.0, ::), any literal address and this machine's name are ours. */
  readonly host: string;
  /** Further names. */
  readonly allowHosts: readonly string[];
}

/** Name or bracketed address, then perhaps a port. */
const HOST = /^(\[[\da-f:.]+\]|[^\s:/?#@,[\]\\]+)(?::\d{1,5})?$/i;

/** Scheme and authority of a request's target. */
const ABSOLUTE = /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/i;

/** Throws what the request is to be answered with; returns when it may go on. */
export type HostCheck = (request: Pick<IncomingMessage, "rawHeaders" | "httpVersion" | "url">) => void;

/** Makes the check for a server's own addresses and names. */
export function hostCheck({ host, allowHosts }: HostCheckOptions): HostCheck {
  const everywhere = host === "0.0.0.0" || isAddress(host, "unspecified");
  const own = new Set(["localhost", ...[host, ...allowHosts].map((name) => nameOf(name) ?? name)]);
  if (everywhere) for (const name of [hostname(), `${hostname()}.local`]) own.add(nameOf(name) ?? name);
  const isOurs = (name: string): boolean =>
    own.has(name) || isAddress(name, "loopback") || (everywhere && ipaddr.isValid(name));
  const demandOurs = (name: string): void => {
    if (!isOurs(name))
      throw new HttpError(
        "VELOSTREAM_HTTP_HOST",
        `This server is not ${JSON.stringify(name.slice(0, 100))}. If it is, start it with --allow-host NAME.`,
      );
  };
  return ({ rawHeaders, httpVersion, url = "" }) => {
    // A whole address as the target says whom it means, whatever Host says (RFC 9112, section 3.2.2).
    const [, authority] = ABSOLUTE.exec(url) ?? [];
    if (authority !== undefined) demandOurs(nameOf(authority) ?? authority);
    const hosts = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === "host");
    // Browsers speak 1.1 and name a host; probes of load balancers may speak 1.0 and name none.
    if (hosts.length === 0 && httpVersion === "1.0") return;
    const name = nameOf(hosts[0] ?? "");
    if (hosts.length !== 1 || name === null)
      throw new HttpError(
        "VELOSTREAM_HTTP_BAD_REQUEST",
        "A request has one header Host, with one name in it.",
      );
    demandOurs(name);
  };
}

/** Whether `text` names one host: what --allow-host takes. */
export function isHostName(text: string): boolean {
  return nameOf(text) === text.toLowerCase().replace(/\.$/, "");
}

/** The host that a Host header, an address or a name means; null when none. */
function nameOf(text: string): string | null {
  if (ipaddr.IPv6.isValid(text)) return ipaddr.process(text).toString();
  const match = HOST.exec(text);
  if (match?.[1] === undefined) return null;
  const name = match[1].toLowerCase().replace(/\.$/, "");
  if (!name.startsWith("[")) return name === "" ? null : name;
  const address = name.slice(1, -1);
  return ipaddr.IPv6.isValid(address) ? ipaddr.process(address).toString() : null;
}

/** Plain literals only: what else a resolver takes for an address (127.1, 0x7f000001) browsers write as one. */
function isAddress(name: string, range: "loopback" | "unspecified"): boolean {
  if (ipaddr.IPv4.isValidFourPartDecimal(name)) return ipaddr.IPv4.parse(name).range() === range;
  return ipaddr.IPv6.isValid(name) && ipaddr.IPv6.parse(name).range() === range;
}
