/**
 * A sentence for strangers: what is wrong, without the addresses of the machines behind the server. Those stand in the log.
 *
 *   "connect ECONNREFUSED 10.0.0.7:9092" ─▶ "connect ECONNREFUSED [address]"      a public name without a port stays
 */

const IPV4 = String.raw`(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.]*\w)(?::\d{1,5})?`;
const IPV6 = String.raw`\[?(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}(?:(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{1,4})?(?:%\w+)?(?![\w:]*\w)\]?(?::\d{1,5})?`;
/** A name with a port is a machine, as is one that no public resolver knows. */
const NAMED = String.raw`(?<![\w.-])(?:localhost(?::\d{1,5})?|[a-z\d-]+(?:\.[a-z\d-]+)+:\d{1,5}|[a-z\d-]+(?:\.[a-z\d-]+)*\.(?:local|internal|lan|localdomain|svc|corp|home)(?::\d{1,5})?)(?![\w-])`;
const URL_OF_A_MACHINE = String.raw`\b(?:sc|mqtts?|wss?|kafka|tcp|ssl|tls|sasl_ssl|plaintext):\/\/[^\s"'<>,;)]*[^\s"'<>,;).]`;
const ADDRESS = new RegExp([URL_OF_A_MACHINE, NAMED, IPV4, IPV6].join("|"), "gi");

export function publicText(text: string): string {
  return text.replace(ADDRESS, (found) =>
    // Two colons without a digit or a letter are no address, and a time of day is none either.
    /[\da-z]/i.test(found) && !/^\d{1,2}:\d{2}:\d{2}$/.test(found) ? "[address]" : found,
  );
}
