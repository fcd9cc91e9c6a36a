/** Why a broker cannot be used, in words: of what goes wrong with certificates, with what to do about it. */

const UNTRUSTED =
  "its certificate is not signed by an authority that is trusted here; name the authority's with --mqtt-ca-file";
const RESET =
  "it reset the connection; if that lasts, see whether this port speaks TLS (mqtts://) or not (mqtt://)";
const NO_TLS = "it does not speak TLS on this port; use mqtt://, or its port for TLS (8883 mostly)";

/** By the codes of Node's sockets. */
const SENTENCES: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: UNTRUSTED,
  SELF_SIGNED_CERT_IN_CHAIN: UNTRUSTED,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT: UNTRUSTED,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: UNTRUSTED,
  CERT_HAS_EXPIRED: "its certificate has expired; it needs a new one",
  CERT_NOT_YET_VALID: "its certificate is not valid yet; look at the clocks of both machines",
  ERR_TLS_CERT_ALTNAME_INVALID:
    "its certificate is for other names than the one in --mqtt; use a name that it has",
  ERR_SSL_WRONG_VERSION_NUMBER: NO_TLS,
  ECONNRESET: RESET,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: NO_TLS,
};

/** One line, without what may be secret: the client's errors name hosts and codes. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as { readonly code?: unknown; readonly message?: string };
  const known = typeof code === "string" ? SENTENCES[code] : undefined;
  if (known !== undefined) return known;
  const all = error instanceof AggregateError ? error.errors.map((one: Error) => one.message) : [message];
  return all.filter((text) => text).join("; ") || (typeof code === "string" ? code : "no reason given");
}
