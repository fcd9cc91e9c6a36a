/** What the Spark client's errors mean here: the class and exit code of each kind, and its remedy. */
import { ConfigError, SparkError } from "../../errors.ts";
import { SparkClientError, type SparkErrorKind } from "../../spark/spark-client-error.ts";

/** Kinds that end the process until somebody changes a setting, with the change that helps. */
const SETTINGS: Readonly<Record<Exclude<SparkErrorKind, "unavailable" | "failed">, string>> = {
  address_malformed: "Write --spark like sc://localhost:15002.",
  address_with_token: "Set the variable VELOSTREAM_SPARK_TOKEN, or VELOSTREAM_SPARK_TOKEN_FILE.",
  address_parameter: "Use use_ssl=true or user_id=NAME in --spark.",
  caller_refused: "Set VELOSTREAM_SPARK_TOKEN to a token it accepts.",
  certificate_of_other_host: "Name the host in --spark as its certificate does.",
  certificate_out_of_time: "Renew the certificate, or set this machine's clock.",
  certificate_of_unknown_authority:
    "Name the PEM file of the authority that signed its certificate with --spark-ca-file.",
  no_tls: "Leave use_ssl=true out of --spark if that port speaks no TLS.",
};

/** The client's error as one of ours; anything else as it is. */
export function sparkErrorOf(error: unknown): unknown {
  if (!(error instanceof SparkClientError)) return error;
  const { kind, message, errorClass, sqlState, cause } = error;
  if (kind === "unavailable")
    return new SparkError(
      "VELOSTREAM_SPARK_UNAVAILABLE",
      `${message} Start it, e.g. with \`npm run spark\`, or give its address with --spark.`,
      { cause },
    );
  if (kind === "failed")
    return new SparkError("VELOSTREAM_SPARK_FAILED", `${message} See docs/spark.md.`, {
      cause,
      details: { errorClass, sqlState },
    });
  return new ConfigError(`${message} ${SETTINGS[kind]}`, { cause });
}

/** The server does not know the session or the query (any more): start anew. */
export function isForgotten(error: unknown): boolean {
  if (!(error instanceof SparkError) || error.code !== "VELOSTREAM_SPARK_FAILED") return false;
  const errorClass = error.details["errorClass"];
  return typeof errorClass === "string" && errorClass.startsWith("INVALID_HANDLE");
}
