/**
 * Answers what is wrong before there is a request for the framework: no HTTP, headers too large or too slow, an
 * expectation, CONNECT. The same problem+json and the same guards as everywhere, instead of the libraries' own.
 */
import { STATUS_CODES, type Server } from "node:http";
import type { Duplex } from "node:stream";
import { ERRORS, type ErrorCode } from "../errors.ts";
import { problemJson } from "./problem.ts";

/** Headers of every answer that no page is: nothing in it may run, be framed or be taken for another type. */
export const GUARDS = {
  "content-security-policy": "default-src 'none';frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
} as const;

interface Early {
  readonly code: ErrorCode;
  readonly status?: number;
  readonly detail: string;
}

const BY_CODE: Readonly<Record<string, Early>> = {
  ERR_HTTP_REQUEST_TIMEOUT: {
    code: "VELOSTREAM_HTTP_TIMEOUT",
    detail: "The request did not arrive in time. Send it at once.",
  },
  HPE_HEADER_OVERFLOW: {
    code: "VELOSTREAM_HTTP_TOO_LARGE",
    status: 431,
    detail: "The request's headers are too long. Send fewer.",
  },
};
const NOT_HTTP: Early = {
  code: "VELOSTREAM_HTTP_BAD_REQUEST",
  detail: "This is not a request of HTTP/1.1 that the server knows. See /docs.",
};
const EXPECTATION: Early = {
  code: "VELOSTREAM_HTTP_BAD_REQUEST",
  status: 417,
  detail: "No expectation but 100-continue is met. Leave the header Expect out.",
};
const CONNECT: Early = { code: "VELOSTREAM_HTTP_METHOD", detail: "CONNECT is not answered. Use GET." };

/** The framework's `clientErrorHandler`. */
export function answerEarly(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || socket.destroyed) return;
  end(socket, BY_CODE[error.code ?? ""] ?? NOT_HTTP);
}

/** The events beside requests to which Node has an answer of its own, or none. */
export function answerTheRest(server: Server): void {
  server.on("connect", (_request, socket) => end(socket, CONNECT));
  server.on("checkExpectation", (_request, response) => {
    const { status, body } = textOf(EXPECTATION);
    response.writeHead(status, headersOf(body)).end(body);
  });
}

function end(socket: Duplex, early: Early): void {
  if (!socket.writable) return void socket.destroy();
  const { status, body } = textOf(early);
  const allow = early === CONNECT ? { allow: "GET, HEAD, OPTIONS" } : {};
  const head = Object.entries({ ...headersOf(body), ...allow }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.on("error", () => {});
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${head.join("")}\r\n${body}`);
  // What may still come is not read: the answer is out, the connection is over.
  socket.once("finish", () => socket.destroy());
}

function headersOf(body: string): Readonly<Record<string, string>> {
  return {
    ...GUARDS,
    "content-type": "application/problem+json",
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
  };
}

function textOf({ code, status, detail }: Early): { readonly status: number; readonly body: string } {
  const own = status ?? (ERRORS[code] as { httpStatus?: number }).httpStatus ?? 400;
  return { status: own, body: problemJson({ code, status: own, detail, instance: "" }) };
}
