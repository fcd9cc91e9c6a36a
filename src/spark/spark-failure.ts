/** What went wrong at Spark, in Spark's own words: a gRPC error alone says "INTERNAL" and half a sentence. */
import { Code, ConnectError, type Client } from "@connectrpc/connect";
import type { SparkConnectService } from "./gen/connect_pb.ts";
import { ErrorInfoSchema } from "./gen/error-info_pb.ts";
import type { SparkAddress } from "./address.ts";
import { SparkClientError } from "./spark-client-error.ts";
import { tlsFailure } from "./tls-failure.ts";

const LONGEST_MESSAGE = 2_000;

/** Who asks, as every request carries it. */
export interface Caller {
  readonly sessionId: string;
  readonly userContext: { readonly userId: string; readonly userName: string };
  readonly clientType: string;
}

/** Turns whatever a call threw into an error of this client; asks the server for the full message where it offers one. */
export async function sparkFailure(
  reason: unknown,
  client: Client<typeof SparkConnectService>,
  caller: Caller,
  address: SparkAddress,
): Promise<SparkClientError> {
  const error = ConnectError.from(reason);
  if (error.code === Code.Unauthenticated || error.code === Code.PermissionDenied)
    return new SparkClientError(
      "caller_refused",
      `Spark at ${address.label} refused the caller: ${error.rawMessage}.`,
      { cause: error },
    );
  const untrusted = tlsFailure(address, error);
  if (untrusted !== null) return untrusted;
  const info = error.findDetails(ErrorInfoSchema)[0];
  if (info === undefined && isAway(error)) return unavailable(address, error);
  const message = (await fetchMessage(info?.metadata["errorId"], client, caller)) ?? error.rawMessage;
  return new SparkClientError("failed", spoken(address, message), {
    cause: error,
    errorClass: info?.metadata["errorClass"] ?? bracketed(message),
    sqlState: info?.metadata["sqlState"] ?? null,
  });
}

/** A streaming query has ended by itself: its own exception. */
export function queryFailure(
  address: SparkAddress,
  message: string,
  errorClass: string | null,
): SparkClientError {
  return new SparkClientError("failed", spoken(address, message), { errorClass });
}

/** Gone for the moment: the connection, not what was asked. */
export function isAway(error: ConnectError): boolean {
  return (
    error.code === Code.Unavailable ||
    error.code === Code.Aborted ||
    error.code === Code.DeadlineExceeded ||
    // A connection cut in mid-answer surfaces as a Node error wrapped by the transport.
    (error.code === Code.Internal && error.cause instanceof Error && "code" in error.cause)
  );
}

function unavailable(address: SparkAddress, error: ConnectError): SparkClientError {
  return new SparkClientError(
    "unavailable",
    `Spark at ${address.label} cannot be reached: ${error.rawMessage}.`,
    { cause: error },
  );
}

async function fetchMessage(
  errorId: string | undefined,
  client: Client<typeof SparkConnectService>,
  caller: Caller,
): Promise<string | null> {
  if (errorId === undefined) return null;
  try {
    const { rootErrorIdx, errors } = await client.fetchErrorDetails({ ...caller, errorId });
    const messages: string[] = [];
    for (let index = rootErrorIdx; index !== undefined && messages.length < 5;) {
      const error = errors[index];
      if (error === undefined) break;
      // A cause often repeats what wraps it.
      if (error.message !== "" && !messages.some((said) => said.includes(error.message)))
        messages.push(error.message);
      index = error.causeIdx;
    }
    return messages.length === 0 ? null : messages.join(" Caused by: ");
  } catch {
    // The first error is the one to tell.
    return null;
  }
}

function spoken(address: SparkAddress, message: string): string {
  // Below the message Spark prints the plan.
  const [text = ""] = message.trim().slice(0, LONGEST_MESSAGE).split(/;?\n/);
  return `Spark at ${address.label} says: ${text}${/[.!?]$/.test(text) ? "" : "."}`;
}

/** `[UNRESOLVED_COLUMN.WITH_SUGGESTION] …` → the class. */
function bracketed(message: string): string | null {
  return /^\[([A-Z0-9_.]+)\]/.exec(message)?.[1] ?? null;
}
