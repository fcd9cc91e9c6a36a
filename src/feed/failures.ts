/** Why a fetch failed, as a stable word for metrics and a sentence with host and remedy for people. */
import { BLOCKED_ADDRESS } from "./url-guard.ts";

/** A fetch that brought nothing usable. */
export interface FetchFailure {
  readonly ok: false;
  /** Stable word, e.g. `dns`, `timeout`, `http_503`, `not_json`. */
  readonly outcome: string;
  readonly message: string;
  /** The server's `Retry-After`, ms. */
  readonly retryAfterMs: number | null;
}

const SEE_SOMETHING =
  'or see something now: "npm run demo" (a simulated city) or "npx velostream replay PATH" (a recording)';

const OUTCOME_BY_CODE: Readonly<Record<string, string>> = {
  ENOTFOUND: "dns",
  EAI_AGAIN: "dns",
  EAI_FAIL: "dns",
  EAI_NODATA: "dns",
  ECONNREFUSED: "refused",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  EACCES: "unreachable",
  EPERM: "unreachable",
  ECONNRESET: "reset",
  EPIPE: "reset",
  UND_ERR_SOCKET: "reset",
  ETIMEDOUT: "timeout",
  UND_ERR_CONNECT_TIMEOUT: "timeout",
  UND_ERR_HEADERS_TIMEOUT: "timeout",
  UND_ERR_BODY_TIMEOUT: "timeout",
  UND_ERR_HEADERS_OVERFLOW: "too_large",
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: "truncated",
  ERR_BUFFER_TOO_LARGE: "too_large",
  Z_BUF_ERROR: "truncated",
  Z_DATA_ERROR: "bad_encoding",
  [BLOCKED_ADDRESS]: "blocked_url",
};

/** The stable word for an error of the network, of TLS or of decompression. */
export function outcomeOf(error: unknown): string {
  for (let e = error, depth = 0; e instanceof Error && depth < 4; e = e.cause, depth += 1) {
    if (e.name === "TimeoutError") return "timeout";
    if (e.name === "AbortError") return "aborted";
    const { code } = e as NodeJS.ErrnoException;
    if (typeof code !== "string") continue;
    const known = OUTCOME_BY_CODE[code];
    if (known !== undefined) return known;
    if (/CERT|TLS|SSL|UNABLE_TO_|HOSTNAME_MISMATCH/.test(code)) return "tls";
    if (code.startsWith("HPE_")) return "not_http";
    if (code.startsWith("ERR_BROTLI") || code.startsWith("Z_") || code.startsWith("ERR__ERROR_"))
      return "bad_encoding";
  }
  return "network";
}

/** One sentence or two per word: what happened at which host, and one remedy. */
export function failureMessage(outcome: string, host: string, detail = ""): string {
  switch (outcome) {
    case "dns":
      return `${host} could not be resolved. Check the network and the feed's URL, ${SEE_SOMETHING}.`;
    case "refused":
      return `${host} refused the connection. Check the feed's URL and that its server runs, ${SEE_SOMETHING}.`;
    case "unreachable":
      return `${host} cannot be reached from this network. Check the network, ${SEE_SOMETHING}.`;
    case "reset":
      return `${host} closed the connection before it answered. It is tried again; nothing needs to be done.`;
    case "timeout":
      return `${host} did not answer in time. It is tried again; nothing needs to be done.`;
    case "tls":
      return `The certificate of ${host} cannot be trusted. Check the feed's URL and this machine's clock.`;
    case "truncated":
      return `${host} sent less than it announced. It is tried again; nothing needs to be done.`;
    case "bad_encoding":
      return `${host} sent data that cannot be decompressed. Tell the publisher if it lasts.`;
    case "too_large":
      return `${host} sent more than is accepted${detail === "" ? "" : ` (${detail})`}. Check that the URL is a GBFS feed.`;
    case "not_http":
      return `${host} did not answer in HTTP. Check the feed's URL.`;
    case "not_json":
      return `${host} answered something that is not JSON${detail === "" ? "" : ` (${detail})`}. Check that the URL is a GBFS feed.`;
    case "not_gbfs":
      return `${host} answered JSON that is not GBFS${detail === "" ? "" : ` (${detail})`}. Check that the URL is a GBFS feed.`;
    case "redirect_loop":
      return `${host} redirects in circles. Check the feed's URL.`;
    case "blocked_url":
      return `A URL at ${host} is not fetched${detail === "" ? "" : `: ${detail}`}. If you trust it, see --allow-private-addresses and --allow-insecure-http.`;
    case "aborted":
      return `The request to ${host} was given up because velostream is stopping.`;
    case "http_401":
    case "http_403":
      return `${host} refuses access (HTTP ${outcome.slice(5)}). Give its credentials in a --feeds file.`;
    case "http_404":
      return `${host} has no such feed (HTTP 404). Check the feed's URL.`;
    case "http_410":
      return `${host} says that the feed is gone for good (HTTP 410). Remove it, or look for its successor with "npx velostream systems".`;
    case "http_429":
      return `${host} asks for fewer requests (HTTP 429). They are slowed down; nothing needs to be done.`;
    default:
      return outcome.startsWith("http_")
        ? `${host} answered HTTP ${outcome.slice(5)}. It is tried again; nothing needs to be done.`
        : `The request to ${host} failed${detail === "" ? "" : ` (${detail})`}. It is tried again; nothing needs to be done.`;
  }
}
