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

/** The error of a server that announces an answer (1xx) again and again. */
export const ENDLESS_ANNOUNCEMENTS = "ERR_VELOSTREAM_ENDLESS_ANNOUNCEMENTS";

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
  [ENDLESS_ANNOUNCEMENTS]: "not_http",
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
    if (
      code.startsWith("ERR_BROTLI") ||
      code.startsWith("Z_") ||
      code.startsWith("ZSTD_") ||
      code.startsWith("ERR__ERROR_")
    )
      return "bad_encoding";
  }
  return "network";
}

/** The path of a URL as messages show it, without parameters: a part that looks like a key is left out, and what is very long is cut. */
export function shownPath({ pathname }: URL): string {
  const shown = pathname
    .replace(/[;,][^/]*/g, "")
    .split("/")
    .map((part) => (looksLikeKey(part) ? "…" : part))
    .join("/");
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown;
}

/** Letters and digits in one long word are a key more often than a name. */
function looksLikeKey(part: string): boolean {
  return (
    /^[\w~.=%+-]{20,}$/.test(part) && /\d/.test(part) && /[a-z]/i.test(part) && !/[._-][a-z]+$/i.test(part)
  );
}

/** A failure in the words of `failureMessage`. */
export function failureOf(
  outcome: string,
  url: URL,
  detail = "",
  retryAfterMs: number | null = null,
): FetchFailure {
  return { ok: false, outcome, message: failureMessage(outcome, url, detail), retryAfterMs };
}

/** One sentence or two per word: what happened with which file of which host, and one remedy. */
function failureMessage(outcome: string, url: URL, detail: string): string {
  const { host } = url;
  const path = shownPath(url);
  const file = `${host}${path}`;
  const more = detail === "" ? "" : ` (${detail})`;
  switch (outcome) {
    case "dns":
      return `${host} could not be resolved (for ${path}). Check the network and the feed's URL, ${SEE_SOMETHING}.`;
    case "refused":
      return `${host} refused the connection (for ${path}). Check the feed's URL and that its server runs, ${SEE_SOMETHING}.`;
    case "unreachable":
      return `${host} cannot be reached from this network (for ${path}). Check the network, ${SEE_SOMETHING}.`;
    case "reset":
      return `${host} closed the connection before it had answered ${path}. It is tried again; nothing needs to be done.`;
    case "timeout":
      return `${file} did not answer in time. It is tried again; nothing needs to be done.`;
    case "tls":
      return `The certificate of ${host} cannot be trusted (for ${path}). Check the feed's URL and this machine's clock.`;
    case "truncated":
      return `${file} came shorter than it was announced. It is tried again; nothing needs to be done.`;
    case "bad_encoding":
      return `${file} came as data that cannot be decompressed${more}. Tell the publisher if it lasts.`;
    case "too_large":
      return `${file} is more than is accepted${more}. Check that the URL is a GBFS feed.`;
    case "not_http":
      return `${host} did not answer in HTTP (for ${path}). Check the feed's URL.`;
    case "not_json":
      return `${file} answered something that is not JSON${more}. Check that the URL is a GBFS feed.`;
    case "not_gbfs":
      return `${file} answered JSON that is not GBFS${more}. Check that the URL is a GBFS feed.`;
    case "no_status":
      return `${file} lists no station or vehicle status${more}: there is nothing to count. Look for another feed of this system with "npx velostream systems", or ask the publisher.`;
    case "redirect_loop":
      return `${file} redirects in circles. Check the feed's URL.`;
    case "blocked_url":
      return `${file} is not fetched${detail === "" ? "" : `: ${detail}`}. If you trust it, see --allow-private-addresses and --allow-insecure-http.`;
    case "aborted":
      return `The request for ${file} was given up because velostream is stopping.`;
    case "http_401":
    case "http_403":
      return `${file} refuses access (HTTP ${outcome.slice(5)}). Give its credentials in a --feeds file.`;
    case "http_404":
      return `${host} has no ${path} (HTTP 404). Check the feed's URL.`;
    case "http_410":
      return `${host} says that ${path} is gone for good (HTTP 410). Remove the feed, or look for its successor with "npx velostream systems".`;
    case "http_429":
      return `${host} asks for fewer requests (HTTP 429, for ${path}). They are slowed down; nothing needs to be done.`;
    default:
      return outcome.startsWith("http_")
        ? `${file} answered HTTP ${outcome.slice(5)}. It is tried again; nothing needs to be done.`
        : `The request for ${file} failed${more}. It is tried again; nothing needs to be done.`;
  }
}
