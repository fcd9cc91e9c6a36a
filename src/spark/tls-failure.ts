/** Why a connection to Spark is refused before anything was asked: the certificate, or no TLS at the other end. */
import { ConfigError } from "../errors.ts";
import type { SparkAddress } from "./address.ts";

/** An error that time does not mend, or null when `error` is of another kind. */
export function tlsFailure(address: SparkAddress, error: unknown): ConfigError | null {
  for (const cause of causes(error)) {
    const { code } = cause as { code?: unknown };
    const remedy = typeof code === "string" ? remedyOf(code) : null;
    if (remedy !== null)
      return new ConfigError(
        `The connection to Spark at ${address.label} is not trusted: ${reasonOf(cause)} (${String(code)}). ${remedy}`,
        { cause: error },
      );
  }
  return null;
}

function remedyOf(code: string): string | null {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "Name the host in --spark as its certificate does.";
  if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code))
    return "Renew the certificate, or set this machine's clock.";
  if (/^(ERR_SSL_|EPROTO$)/.test(code))
    return "Leave use_ssl=true out of --spark if that port speaks no TLS.";
  if (/^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code))
    return "Name the PEM file of the authority that signed its certificate with --spark-ca-file.";
  return null;
}

/** OpenSSL's own words without its place in the source, Node's without the advice after a semicolon. */
function reasonOf({ message }: Error): string {
  return /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message.split(/;|\n/)[0] ?? message;
}

function* causes(error: unknown): Generator<Error> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}
