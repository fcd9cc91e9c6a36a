/** Free TCP ports on loopback, for servers that tests and developers start. */
import { createServer } from "node:net";

/**
 * A stretch of free ports below the range that the system gives to outgoing connections: in that range a
 * client that retries against a dead broker can be connected to itself, and the broker finds its port taken.
 */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const first = 20_000 + Math.floor(Math.random() * 11_000);
    const free = await Promise.all(Array.from({ length: count }, (_, index) => isFree(first + index)));
    if (free.every(Boolean)) return first;
  }
  throw new Error(`No ${count} neighbouring ports are free between 20000 and 31000. Stop something.`);
}

export async function isFree(port: number): Promise<boolean> {
  return new Promise((resolveFree) => {
    const server = createServer();
    server.once("error", () => resolveFree(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolveFree(true)));
  });
}
