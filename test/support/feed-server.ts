/** A scripted HTTP server on loopback: what it serves by path, and what it was asked. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A body to serve as JSON (a string as it is), or a handler that does what it likes. */
export type Route = Handler | string | object;

export class FeedServer {
  readonly routes = new Map<string, Route>();
  /** `path` of every request, in order. */
  readonly asked: string[] = [];
  readonly headers: IncomingMessage["headers"][] = [];
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  url(path: string): URL {
    return new URL(path, this.origin);
  }

  /** How often a path was asked for. */
  count(path: string): number {
    return this.asked.filter((asked) => asked === path).length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? "/";
    this.asked.push(path);
    this.headers.push(request.headers);
    const route = this.routes.get(path);
    if (typeof route === "function") return route(request, response);
    if (route === undefined) return void response.writeHead(404).end("nothing here");
    response.setHeader("content-type", "application/json");
    response.end(typeof route === "string" ? route : JSON.stringify(route));
  }
}

/** Answers once with a status and headers. */
export function status(code: number, headers: Record<string, string> = {}): Handler {
  return (_, response) => void response.writeHead(code, headers).end("an error page");
}
