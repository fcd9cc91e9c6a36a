/** A real Mosquitto on loopback, to be killed and started again; and a look at what it retains. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect as dial, createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { connectAsync } from "mqtt";

export interface Mosquitto {
  readonly port: number;
  readonly url: string;
  /** Of its own: gone when it is closed. */
  readonly folder: string;
  readonly start: () => Promise<void>;
  readonly kill: () => Promise<void>;
  /** What is retained now, by topic. */
  retained(login?: { readonly username: string; readonly password: string }): Promise<Map<string, string>>;
  readonly close: () => Promise<void>;
}

/** @param config further lines of its configuration; `FOLDER` stands for its own folder */
export async function mosquitto(config = "allow_anonymous true"): Promise<Mosquitto> {
  const folder = await mkdtemp(join(tmpdir(), "velostream-mqtt-"));
  const port = await freePort();
  const file = join(folder, "mosquitto.conf");
  // What it remembers over a kill is a second old: retained values from before the outage, that nobody means any more.
  const lines = [`listener ${port} 127.0.0.1`, "persistence true", `persistence_location ${folder}/`];
  const user = process.getuid?.() === 0 ? ["user root"] : [];
  const settings = [...lines, ...user, "autosave_interval 1", config.replaceAll("FOLDER", folder), ""];
  await writeFile(file, settings.join("\n"));
  let child: ChildProcess | null = null;
  const kill = async (): Promise<void> => {
    if (child === null) return;
    const gone = once(child, "exit");
    child.kill("SIGKILL");
    await gone;
    child = null;
  };
  const url = `mqtt://127.0.0.1:${port}`;
  return {
    port,
    url,
    folder,
    kill,
    async start() {
      child = spawn("mosquitto", ["-c", file], {
        stdio: "ignore",
        env: { ...process.env, PATH: `${process.env["PATH"] ?? ""}:/usr/sbin` },
      });
      await once(child, "spawn");
      for (let turn = 0; !(await listens(port)); turn += 1) {
        if (turn > 200) throw new Error("mosquitto does not listen");
        await delay(20);
      }
    },
    async retained(login) {
      const client = await connectAsync(url, { protocolVersion: 5, ...login });
      const found = new Map<string, string>();
      client.on("message", (topic, payload, packet) => {
        if (packet.retain) found.set(topic, payload.toString());
      });
      await client.subscribeAsync("#", { qos: 1 });
      for (let size = -1; size !== found.size;) {
        size = found.size;
        await delay(150);
      }
      await client.endAsync(true);
      return found;
    },
    async close() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = dial(port, "127.0.0.1");
    socket.once("connect", () => (socket.destroy(), resolve(true)));
    socket.once("error", () => resolve(false));
  });
}

/** One that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
