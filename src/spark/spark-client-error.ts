/** The one error of this client: a fact and its kind, on which callers decide; what to do about it is theirs to say. */

/** What is wrong. Only `unavailable` may mend by itself; `failed` is what Spark itself says. */
export type SparkErrorKind =
  | "address_malformed"
  | "address_with_token"
  | "address_parameter"
  | "caller_refused"
  | "certificate_of_other_host"
  | "certificate_out_of_time"
  | "certificate_of_unknown_authority"
  | "no_tls"
  | "unavailable"
  | "failed";

export interface SparkErrorFacts {
  readonly cause?: unknown;
  /** Spark's error class, e.g. `UNRESOLVED_COLUMN.WITH_SUGGESTION`. */
  readonly errorClass?: string | null;
  readonly sqlState?: string | null;
}

export class SparkClientError extends Error {
  readonly kind: SparkErrorKind;
  readonly errorClass: string | null;
  readonly sqlState: string | null;

  /** @param message one sentence without a remedy */
  constructor(kind: SparkErrorKind, message: string, facts: SparkErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = "SparkClientError";
    this.kind = kind;
    this.errorClass = facts.errorClass ?? null;
    this.sqlState = facts.sqlState ?? null;
  }
}
