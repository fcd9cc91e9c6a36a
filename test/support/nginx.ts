/** A real nginx on loopback with the configuration that docs/proxy.md shows, moved to ports and files of the test's own. */
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { selfSigned } from "./certificate.ts";

const NGINX = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].find((path) => existsSync(path));
const DOCS = new URL("../../docs/proxy.md", import.meta.url);

export interface Nginx {
  /** `https://127.0.0.1:PORT`, without a path. */
  readonly url: string;
  readonly login: { readonly username: string; readonly password: string };
  stop(): Promise<void>;
}

/** Whether there is one on this machine. */
export const hasNginx = NGINX !== undefined;

/** @param upstreamPort where velostream listens */
export async function nginx(upstreamPort: string): Promise<Nginx> {
  if (NGINX === undefined)
    throw new Error("There is no nginx on this machine. Install Debian's package nginx.");
  const folder = await mkdtemp(join(tmpdir(), "velostream-nginx-"));
  const port = await freePort();
  const { cert, key } = selfSigned(folder, "proxy", "IP:127.0.0.1");
  const shown = /```nginx\n([\s\S]*?)```/.exec(readFileSync(DOCS, "utf8"))?.[1] ?? "";
  const server = shown
    .replace("listen 443 ssl", `listen 127.0.0.1:${port} ssl`)
    .replaceAll("127.0.0.1:8080", `127.0.0.1:${upstreamPort}`)
    .replace("/etc/ssl/certs/bikes.example.org.pem", cert)
    .replace("/etc/ssl/private/bikes.example.org.key", key)
    .replace("/etc/nginx/bikes.htpasswd", join(folder, "htpasswd"));
  await writeFile(join(folder, "htpasswd"), "city:{PLAIN}velo\n");
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  const file = join(folder, "nginx.conf");
  await writeFile(
    file,
    `daemon off; pid ${folder}/pid; error_log stderr warn; ${process.getuid?.() === 0 ? "user root;" : ""}
events {}
http { access_log off; ${temporary.join(" ")} ${server} }`,
  );
  const child = spawn(NGINX, ["-c", file, "-p", folder, "-e", "stderr"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk) => (said += String(chunk)));
  const exited = once(child, "exit");
  for (let turn = 0; !existsSync(join(folder, "pid")); turn += 1) {
    if (turn > 200 || child.exitCode !== null) throw new Error(`nginx does not start: ${said}`);
    await delay(25);
  }
  return {
    url: `https://127.0.0.1:${port}`,
    login: { username: "city", password: "velo" },
    async stop() {
      child.kill("SIGTERM");
      await exited;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
