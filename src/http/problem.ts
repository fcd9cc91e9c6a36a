/** Errors as `application/problem+json` (RFC 9457), from the one table of codes. */
import type { FastifyReply, FastifyRequest } from "fastify";
import { AppError, ERRORS, HttpError, type ErrorCode, type ErrorRow } from "../errors.ts";
import type { Logger } from "../ports.ts";
import type { Problem } from "./api-types.ts";

/** What the framework's own errors (`statusCode` below 500) mean in our table. */
const BY_STATUS: Readonly<Record<number, ConstructorParameters<typeof HttpError>[0]>> = {
  404: "VELOSTREAM_HTTP_NOT_FOUND",
  405: "VELOSTREAM_HTTP_METHOD",
  413: "VELOSTREAM_HTTP_TOO_LARGE",
  414: "VELOSTREAM_HTTP_TOO_LARGE",
  416: "VELOSTREAM_HTTP_RANGE",
  429: "VELOSTREAM_HTTP_RATE_LIMITED",
  503: "VELOSTREAM_HTTP_UNAVAILABLE",
};

/** Sends `error`; one that is a bug is logged, and its text kept from strangers. */
export function sendProblem(
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): FastifyReply {
  const known = asAppError(error);
  if (known.code === "VELOSTREAM_HTTP_INTERNAL") {
    logger.error("http.failed", "A request failed by a bug in the server.", {
      route: request.routeOptions.url,
      err: error,
    });
  }
  const row: ErrorRow = ERRORS[known.code];
  // An adapter that is away (archive, log) is a matter of time.
  const status = row.httpStatus ?? (row.retryable ? 503 : 500);
  let detail = known.message;
  if (!(known instanceof HttpError)) {
    // Its message is the operator's: it names folders and hosts, which are no stranger's business.
    logger.warn("http.unavailable", known.message, { code: known.code, route: request.routeOptions.url });
    detail = `${row.meaning} The server's log says more; its operator can mend it.`;
  }
  // How long a file is, for who asked for a part that it has not.
  const range = (error as { headers?: Record<string, unknown> } | null)?.headers?.["Content-Range"];
  if (status === 416 && typeof range === "string") reply.header("content-range", range);
  const { retryAfterSeconds } = known.details;
  if (typeof retryAfterSeconds === "number") reply.header("retry-after", String(retryAfterSeconds));
  const instance = request.originalUrl.split("?", 1)[0] ?? "";
  // What the server took off before it routed the request: the base path.
  const basePath = request.originalUrl.slice(0, Math.max(0, request.originalUrl.length - request.url.length));
  return reply
    .code(status)
    .header("cache-control", "no-store")
    .type("application/problem+json")
    .send(problemJson({ code: known.code, status, detail, instance, basePath }));
}

/** The body of an answer that tells of an error. */
export function problemJson(problem: {
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: string;
  readonly instance: string;
  readonly basePath?: string;
}): string {
  const { code, status, detail, instance, basePath = "" } = problem;
  const body: Problem = {
    type: `${basePath}/docs#${code}`,
    title: ERRORS[code].meaning,
    status,
    code,
    detail,
    instance,
  };
  return JSON.stringify(body);
}

function asAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === "number" && status >= 400 && status < 500) {
    const message = error instanceof Error ? error.message : "The request cannot be understood";
    return new HttpError(
      BY_STATUS[status] ?? "VELOSTREAM_HTTP_BAD_REQUEST",
      `${message.replace(/\.$/, "")}. See /docs.`,
    );
  }
  return new HttpError(
    "VELOSTREAM_HTTP_INTERNAL",
    "The server has a bug here. Its log says more; please report it.",
  );
}
