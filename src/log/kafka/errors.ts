/**
 * What an error of the Kafka client means for us: try again, give up, or "someone else owns this now".
 * The client wraps errors in lists and causes; everything here looks at the leaves.
 */
import { GenericError, MultipleErrors, NetworkError, UserError } from "@platformatic/kafka";
import { AppError, LogError } from "../../errors.ts";
import type { KafkaAccess } from "./access.ts";

/** The cluster is not as it was known to be: asking again soon may help. */
export class NotNow extends NetworkError {}

/** A topic that is to be written to does not exist; it may be made any moment. */
export class UnknownTopic extends NotNow {
  constructor(topic: string) {
    super(`Topic ${topic} does not exist.`);
  }
}

/** Kafka's own error names in `error`, e.g. `NOT_LEADER_OR_FOLLOWER`; empty for network errors. */
export function kafkaErrorIds(error: unknown): string[] {
  return leaves(error)
    .map((leaf) => (leaf as { apiId?: unknown }).apiId)
    .filter((id): id is string => typeof id === "string");
}

export function hasKafkaError(error: unknown, ...ids: readonly string[]): boolean {
  return kafkaErrorIds(error).some((id) => ids.includes(id));
}

/** The answer that carried the error: its other partitions may be fine. */
export function responseOf(error: unknown): unknown {
  for (const wrapper of wrappers(error)) {
    const response = (wrapper as { response?: unknown }).response;
    if (typeof response === "object" && response !== null) return response;
  }
  return undefined;
}

/** The member id a coordinator gives with MEMBER_ID_REQUIRED. */
export function memberIdOf(error: unknown): string | null {
  for (const leaf of leaves(error)) {
    const memberId = (leaf as { memberId?: unknown }).memberId;
    if (typeof memberId === "string" && memberId !== "") return memberId;
  }
  return null;
}

/** Ours is the older of two producers, or of two members: never write again without asking who owns what. */
export function isFenced(error: unknown): boolean {
  return hasKafkaError(
    error,
    "PRODUCER_FENCED",
    "INVALID_PRODUCER_EPOCH",
    "INVALID_PRODUCER_ID_MAPPING",
    "FENCED_INSTANCE_ID",
    "TRANSACTION_COORDINATOR_FENCED",
  );
}

/** Two processes with one static name: the newer one works, this one must stop. */
export function takenOver(instanceId: string | null, cause: unknown): LogError {
  return new LogError(
    "VELOSTREAM_LOG_REFUSED",
    `Another process works under the member name ${instanceId ?? ""} now. Give each worker its own --member-id.`,
    { cause },
  );
}

/** The group goes on without this generation of ours. */
export function needsRejoin(error: unknown): boolean {
  return hasKafkaError(error, "UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "REBALANCE_IN_PROGRESS");
}

export function isStaleCoordinator(error: unknown): boolean {
  const ids = kafkaErrorIds(error);
  if (ids.length === 0) return true;
  return ids.some((id) =>
    ["NOT_COORDINATOR", "COORDINATOR_NOT_AVAILABLE", "COORDINATOR_LOAD_IN_PROGRESS"].includes(id),
  );
}

/** Kafka calls these final, but a broker that has just started, or a topic that has just been made, answers them too. */
const PASSING = new Set(["UNKNOWN_TOPIC_ID", "INCONSISTENT_TOPIC_ID", "UNKNOWN_TOPIC_OR_PARTITION"]);

/** Whether the same request may succeed later. Errors that are not the client's are not ours to retry. */
export function isRetriable(error: unknown): boolean {
  if (error instanceof AppError || refusal(error) !== null) return false;
  const all = leaves(error);
  return all.every((leaf) => {
    const { canRetry, apiId } = leaf as { canRetry?: unknown; apiId?: unknown };
    if (typeof apiId === "string" && PASSING.has(apiId)) return true;
    if (canRetry !== undefined) return canRetry === true || isUnknownTopic(leaf);
    return isSystemError(leaf) || GenericError.isGenericError(leaf);
  });
}

export function isUnknownTopic(error: unknown): boolean {
  return leaves(error).some(
    (leaf) =>
      leaf instanceof UnknownTopic || (leaf as { apiId?: unknown }).apiId === "UNKNOWN_TOPIC_OR_PARTITION",
  );
}

/**
 * The client says only in a sentence what is wrong: its metadata call keeps Kafka's error about a topic to itself, and a
 * broker that wants TLS is answered likewise. A request of our own tells which.
 */
export function isVague(error: unknown): boolean {
  return leaves(error).some((leaf) => (leaf as { code?: unknown }).code === UserError.code);
}

/** One sentence for a log line or a LogError: the innermost reasons, without stacks. */
export function explain(error: unknown): string {
  const texts = leaves(error).map((leaf) => {
    const { apiId, serverErrorMessage } = leaf as { apiId?: unknown; serverErrorMessage?: unknown };
    if (typeof apiId === "string")
      return typeof serverErrorMessage === "string" && serverErrorMessage !== ""
        ? `${apiId} (${serverErrorMessage})`
        : apiId;
    // OpenSSL's message is its source line; its reason is meant for people.
    const { library, reason } = leaf as { library?: unknown; reason?: unknown };
    if (typeof library === "string" && typeof reason === "string") return reason;
    return leaf.message.replace(/\.$/, "");
  });
  return [...new Set(texts)].join("; ");
}

/**
 * Turns what will never succeed into a LogError; null when the error is none of those.
 * @param what was tried, for rights that are missing: `publish to velib-projet`
 */
export function refusal(error: unknown, what = "do that"): LogError | null {
  if (error instanceof LogError) return error;
  const ids = kafkaErrorIds(error);
  const text = explain(error);
  const make = (what: string, remedy: string): LogError =>
    new LogError("VELOSTREAM_LOG_REFUSED", `${what} (${text}). ${remedy}`, { cause: error });
  if (
    // A refused token is answered in two steps, and the client stops at the first one.
    ids.some((id) => id === "SASL_AUTHENTICATION_FAILED" || id === "ILLEGAL_SASL_STATE") ||
    leaves(error).some((leaf) => (leaf as { code?: unknown }).code === "PLT_KFK_AUTHENTICATION")
  )
    return make(
      "Kafka refused the login",
      "Check --kafka-sasl-mechanism, --kafka-username and the password or token in the environment.",
    );
  if (ids.some((id) => id.endsWith("_AUTHORIZATION_FAILED")))
    return make(
      `Kafka does not allow this user to ${what}${namesOf(refusedTopics(error))}`,
      "Ask for the permissions listed in docs/kafka.md, section Security.",
    );
  if (leaves(error).some(isCertificateRefused))
    return make(
      "Kafka refused our certificate, or asks for one",
      "Check --kafka-cert-file and --kafka-key-file: the brokers must trust who signed it.",
    );
  if (leaves(error).some(isTlsProblem))
    return make(
      "The TLS connection to Kafka could not be made",
      "Check --kafka-tls and, for a private authority, --kafka-ca-file.",
    );
  if (ids.includes("MESSAGE_TOO_LARGE") || ids.includes("RECORD_LIST_TOO_LARGE"))
    return make("Kafka refused a record as too large", "Raise max.message.bytes of the topic.");
  if (ids.includes("UNSUPPORTED_SASL_MECHANISM"))
    return make("Kafka does not offer this SASL mechanism", "Choose another --kafka-sasl-mechanism.");
  if (ids.includes("UNSUPPORTED_COMPRESSION_TYPE"))
    return make("Kafka does not take this compression", "Choose another --compression, e.g. gzip.");
  const final = ids.find((id) => REFUSED.has(id));
  if (final !== undefined) return make("Kafka refused the request", "See docs/kafka.md.");
  return null;
}

/** Kafka's number of TOPIC_AUTHORIZATION_FAILED. */
const TOPIC_AUTHORIZATION_FAILED = 29;

/** The topics that an answer refuses: what was tried may name several. */
function refusedTopics(error: unknown): readonly string[] {
  const found = new Set<string>();
  const look = (value: unknown, topic: string | null): void => {
    if (typeof value !== "object" || value === null) return;
    const { name, errorCode } = value as { name?: unknown; errorCode?: unknown };
    const of = typeof name === "string" ? name : topic;
    if (errorCode === TOPIC_AUTHORIZATION_FAILED && of !== null) found.add(of);
    for (const part of Object.values(value)) look(part, of);
  };
  look(responseOf(error), null);
  return [...found];
}

function namesOf(topics: readonly string[]): string {
  return topics.length === 0 ? "" : `: not topic ${topics.join(", ")}`;
}

const REFUSED = new Set([
  "INVALID_TOPIC_EXCEPTION",
  "INVALID_REPLICATION_FACTOR",
  "INVALID_PARTITIONS",
  "INVALID_CONFIG",
  "POLICY_VIOLATION",
  "INVALID_RECORD",
  "INVALID_TIMESTAMP",
  "UNSUPPORTED_VERSION",
  "UNSUPPORTED_FOR_MESSAGE_FORMAT",
  "INCONSISTENT_GROUP_PROTOCOL",
  "INVALID_GROUP_ID",
  "INVALID_SESSION_TIMEOUT",
  "INVALID_TRANSACTION_TIMEOUT",
  "SECURITY_DISABLED",
]);

/** Alerts by which a broker says what it thinks of the client's certificate; others are about the connection. */
function isCertificateRefused(leaf: Error): boolean {
  const { code } = leaf as { code?: unknown };
  return (
    typeof code === "string" &&
    /^ERR_SSL_.*ALERT_(CERTIFICATE_REQUIRED|CERTIFICATE_UNKNOWN|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)$/.test(
      code,
    )
  );
}

function isTlsProblem(leaf: Error): boolean {
  const { code: given } = leaf as { code?: unknown };
  const code = typeof given === "string" ? given : "";
  return (
    /^(ERR_TLS_|ERR_SSL_|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|EPROTO)/.test(code) ||
    // A connection without TLS was answered with a TLS record: of the errors of this kind the only one from the network.
    code === UserError.code
  );
}

function isSystemError(leaf: Error): boolean {
  return typeof (leaf as NodeJS.ErrnoException).syscall === "string" || endedInHandshake(leaf);
}

/** A broker that is about to go, or that speaks no TLS on this port: Node's error has no syscall. */
function endedInHandshake(leaf: Error): boolean {
  return (leaf as NodeJS.ErrnoException).code === "ECONNRESET";
}

/**
 * What a broker that cannot be reached may want, when it lets us connect and then closes the connection: that is all that
 * Kafka does about a client without TLS or login. Null when it is simply not there.
 */
export function closedBy(error: unknown, access: Pick<KafkaAccess, "tls" | "sasl">): string | null {
  const all = leaves(error);
  if (access.tls !== null && all.some(endedInHandshake))
    return "it ends the connection before TLS is established. Leave the options of TLS out if that port speaks none, or name the one that does";
  if (!all.some(isClosedConnection)) return null;
  const may =
    access.sasl === null
      ? access.tls === null
        ? "Try --kafka-tls or --kafka-sasl-mechanism: it may ask for TLS or a login"
        : "Try --kafka-sasl-mechanism and --kafka-username: it may ask for a login"
      : "Check that Kafka listens there, with that kind of login";
  return `it closes the connection without an answer. ${may}`;
}

/** An open connection that ended: the client's other errors of this kind name a cause, a broker or a closed pool. */
function isClosedConnection(leaf: Error): boolean {
  const { code, broker, closed } = leaf as { code?: unknown; broker?: unknown; closed?: unknown };
  if (code !== NetworkError.code || leaf instanceof NotNow) return false;
  return leaf.cause === undefined && broker === undefined && closed === undefined;
}

/** The errors that carry no further ones: lists are opened, and a cause is more telling than what wraps it. */
function leaves(error: unknown): Error[] {
  if (!(error instanceof Error)) return [new Error(String(error))];
  if (error instanceof AggregateError || MultipleErrors.isMultipleErrors(error)) {
    const inner = error.errors.flatMap((each: unknown) =>
      each === null || each === undefined ? [] : leaves(each),
    );
    if (inner.length > 0) return inner;
  }
  const code = (error as { code?: unknown }).code;
  // An authentication error's own code says more than its cause.
  if (error.cause instanceof Error && code !== "PLT_KFK_AUTHENTICATION") return leaves(error.cause);
  return [error];
}

function* wrappers(error: unknown): Generator<Error> {
  if (!(error instanceof Error)) return;
  yield error;
  if (error instanceof AggregateError) for (const each of error.errors as unknown[]) yield* wrappers(each);
  if (error.cause !== undefined) yield* wrappers(error.cause);
}
