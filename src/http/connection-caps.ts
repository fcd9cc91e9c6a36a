/**
 * Keeps connections within their number, in all and of one client, and newcomers in: where there is no room, the oldest
 * connection that asks for nothing (half-sent, or idle between requests) makes some.
 *
 *   newcomer ─▶ room? ──yes──▶ in
 *                 └──no──▶ one that waits? ──yes──▶ that one is closed, newcomer in
 *                                             └──no──▶ newcomer is closed
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { clientOf } from "./client-address.ts";

export interface ConnectionCaps {
  readonly most: number;
  /** Of one address, or /64 of IPv6; null: no limit. */
  readonly mostOfClient: number | null;
  /** Whether these are many clients, as a trusted proxy is: only the total counts for it. */
  readonly isProxy: (address: string) => boolean;
  readonly onClosed: (why: "total" | "client") => void;
}

/** Watches the server's connections from now on. */
export function capConnections(server: Server, caps: ConnectionCaps): void {
  const all = new Map<Socket, IncomingMessage | null>();
  const byClient = new Map<string, Set<Socket>>();

  server.on("connection", (socket) => {
    const address = socket.remoteAddress ?? "";
    const client = clientOf(address);
    const own = byClient.get(client) ?? new Set();
    byClient.set(client, own.add(socket));
    all.set(socket, null);
    socket.once("close", () => {
      all.delete(socket);
      own.delete(socket);
      if (own.size === 0 && byClient.get(client) === own) byClient.delete(client);
    });
    if (caps.mostOfClient !== null && own.size > caps.mostOfClient && !caps.isProxy(address))
      makeRoom(own, socket, "client");
    else if (all.size > caps.most) makeRoom(all.keys(), socket, "total");
  });
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    if (!all.has(socket)) return;
    // In the order of their last request, so that the first that waits has waited longest.
    all.delete(socket);
    all.set(socket, request);
    response.once("close", () => {
      if (all.get(socket) === request) all.set(socket, null);
    });
  });

  function makeRoom(among: Iterable<Socket>, newcomer: Socket, why: "total" | "client"): void {
    let leaving = newcomer;
    for (const socket of among) {
      const request = all.get(socket);
      // A request whose body never comes asks for nothing yet.
      if (socket === newcomer || socket.destroyed || (request !== null && request?.complete === true))
        continue;
      leaving = socket;
      break;
    }
    leaving.destroy();
    all.delete(leaving);
    byClient.get(clientOf(leaving.remoteAddress ?? ""))?.delete(leaving);
    caps.onClosed(why);
  }
}
