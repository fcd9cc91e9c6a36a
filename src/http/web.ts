/** Serves the built page (web/dist): hashed assets for ever, everything else asked for again; a small page when not built. */
import fastifyStatic from "@fastify/static";
import type { FastifyInstance } from "fastify";
import { existsSync } from "node:fs";
import { join, sep } from "node:path";
import { notBuiltPage } from "./docs-page.ts";

const A_YEAR_IN_SECONDS = 31_536_000;

export async function serveWeb(app: FastifyInstance, webRoot: string | null): Promise<void> {
  if (webRoot === null || !existsSync(join(webRoot, "index.html"))) {
    app.get("/", (_request, reply) =>
      reply.type("text/html; charset=utf-8").header("cache-control", "no-store").send(notBuiltPage()),
    );
    return;
  }
  await app.register(fastifyStatic, {
    root: webRoot,
    prefix: "/",
    dotfiles: "ignore",
    preCompressed: true,
    cacheControl: false,
    setHeaders: (response, path) => {
      // Vite puts a hash of the content into the names of everything below assets/.
      const hashed = path.includes(`${sep}assets${sep}`);
      response.header(
        "cache-control",
        hashed ? `public, max-age=${A_YEAR_IN_SECONDS}, immutable` : "no-cache",
      );
    },
  });
}
