/** GET /api/v1/events: hands a connection to the event hub, past every buffer of the framework. */
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { FastifyReply } from "fastify";
import { z } from "zod";
import { HttpError } from "../../errors.ts";
import { SystemId } from "../api-query.ts";
import { clientOf } from "../client-address.ts";
import { apiRoute, type ApiContext, type ApiRoute } from "../api-route.ts";
import type { StreamChunk } from "../sse-event.ts";
import type { StreamSink } from "../stream-client.ts";

const Include = z
  .string()
  .regex(/^(areas|stations|areas,stations|stations,areas)$/, "is not areas, stations or areas,stations")
  .default("areas,stations")
  .describe("areas, stations or both, comma separated; default both.");

export function eventRoutes(context: ApiContext): ApiRoute[] {
  const streamsOf = new Map<string, number>();
  return [
    apiRoute({
      path: "/api/v1/events",
      operationId: "streamEvents",
      summary: "Server-sent events: a snapshot, then what changes",
      description:
        "Events: systems, snapshot, delta, heartbeat, resync (docs/api.md). Send Last-Event-ID to resume without loss.",
      params: null,
      query: z.strictObject({
        system: SystemId.optional().describe("A system_id; default all."),
        include: Include,
        last_event_id: z.string().max(100).optional().describe("As the header Last-Event-ID."),
      }),
      answer: null,
      mediaType: "text/event-stream",
      errors: ["VELOSTREAM_HTTP_UNAVAILABLE"],
      handle: ({ query, raw, reply }) => {
        if (context.hub.clientCount >= context.maxStreams) {
          reply.header("retry-after", "5");
          throw new HttpError(
            "VELOSTREAM_HTTP_UNAVAILABLE",
            `All ${context.maxStreams} event streams are taken. Try again later, or raise --max-streams.`,
          );
        }
        const client = clientOf(raw.ip);
        const own = streamsOf.get(client) ?? 0;
        const most = context.maxStreamsOfClient;
        if (most !== null && own >= most) {
          reply.header("retry-after", "5");
          throw new HttpError(
            "VELOSTREAM_HTTP_RATE_LIMITED",
            `All ${most} event streams of your address are taken. Close one; behind a proxy, its operator sets --trust-proxy or --max-streams-per-address.`,
          );
        }
        const header = raw.headers["last-event-id"];
        const gzip = /(^|[\s,])gzip\s*(?!;\s*q=0(\.0*)?\s*(,|$))(;|,|$)/.test(
          raw.headers["accept-encoding"] ?? "",
        );
        const include = query.include.split(",");
        const response = open(reply, gzip);
        const disconnect = context.hub.connect({
          filter: {
            systemId: query.system ?? null,
            areas: include.includes("areas"),
            stations: include.includes("stations"),
          },
          lastEventId: query.last_event_id ?? (typeof header === "string" ? header : null),
          gzip,
          sink: new ResponseSink(response),
        });
        streamsOf.set(client, own + 1);
        response.once("close", () => {
          disconnect();
          const left = (streamsOf.get(client) ?? 1) - 1;
          if (left > 0) streamsOf.set(client, left);
          else streamsOf.delete(client);
        });
        return reply;
      },
    }),
  ];
}

/** Takes the response from the framework and sends its head. */
function open(reply: FastifyReply, gzip: boolean): ServerResponse {
  reply.hijack();
  const response = reply.raw;
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) response.setHeader(name, value);
  }
  response.setHeader("content-type", "text/event-stream; charset=utf-8");
  response.setHeader("cache-control", "no-store");
  // nginx buffers answers unless told not to.
  response.setHeader("x-accel-buffering", "no");
  response.setHeader("vary", "accept-encoding");
  if (gzip) response.setHeader("content-encoding", "gzip");
  response.socket?.setNoDelay(true);
  response.socket?.setTimeout(0);
  if (response.req.httpVersion === "1.1") response.setHeader("transfer-encoding", "chunked");
  response.writeHead(200);
  response.flushHeaders();
  return response;
}

/**
 * Writes ready-made chunks straight to the socket: one system call and no bookkeeping for each of a thousand clients.
 * A response that waits behind another of its connection, or HTTP/1.0, is written the ordinary way.
 */
class ResponseSink implements StreamSink {
  readonly #response: ServerResponse;
  readonly #socket: Socket | null;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#socket = response.chunkedEncoding ? response.socket : null;
    // A client that goes away in the middle of a write is no error: "close" follows.
    response.on("error", () => {});
  }

  write(chunk: StreamChunk): void {
    if (this.#socket === null) {
      if (!this.#response.destroyed) this.#response.write(chunk.bytes);
    } else if (this.#socket.writable) this.#socket.write(chunk.frame);
  }

  unreadBytes(): number {
    return this.#socket?.writableLength ?? this.#response.writableLength;
  }

  end(): void {
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }
}
