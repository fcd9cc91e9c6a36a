/** Who asks, for limits: an IPv4 address, or the /64 network of an IPv6 one, which is what one customer of a provider has. */
import ipaddr from "ipaddr.js";

/** The same text for all addresses of one client; text that is no address stands for itself. */
export function clientOf(address: string | undefined): string {
  if (address === undefined || !ipaddr.isValid(address)) return address ?? "unknown";
  const parsed = ipaddr.process(address);
  if (parsed instanceof ipaddr.IPv4) return parsed.toString();
  const network = parsed.toByteArray().map((byte, at) => (at < 8 ? byte : 0));
  return `${ipaddr.fromByteArray(network).toString()}/64`;
}
