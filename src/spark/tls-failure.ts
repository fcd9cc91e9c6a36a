/** Why a connection to Spark is refused before anything was asked: the certificate, or no TLS at the other end. */
import type { SparkAddress } from "./address.ts";
import { SparkClientError, type SparkErrorKind } from "./spark-client-error.ts";

/** An error that time does not mend, or null when `error` is of another kind. */
export function tlsFailure(address: SparkAddress, error: unknown): SparkClientError | null {
  for (const cause of causes(error)) {
    const { code } = cause as { code?: unknown };
    const kind = typeof code === "string" ? kindOf(code) : null;
    if (kind !== null)
      return new SparkClientError(
        kind,
        `The connection to Spark at ${address.label} is not trusted: ${reasonOf(cause)} (${String(code)}).`,
        { cause: error },
      );
  }
  return null;
}

function kindOf(code: string): SparkErrorKind | null {
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "certificate_of_other_host";
  if (/^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(code)) return "certificate_out_of_time";
  if (/^(ERR_SSL_|EPROTO$)/.test(code)) return "no_tls";
  if (/^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)) return "certificate_of_unknown_authority";
  return null;
}

/** OpenSSL's own words without its place in the source, Node's without the advice after a semicolon. */
function reasonOf({ message }: Error): string {
  return /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message.split(/;|\n/)[0] ?? message;
}

function* causes(error: unknown): Generator<Error> {
  for (let cause = error; cause instanceof Error; cause = cause.cause) yield cause;
}
