/** The product as its user starts it: `velostream run` in a process of its own. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

export class Product {
  readonly url: string;
  readonly #child: ChildProcess;

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.#child = child;
  }

  /** Resolves once it says where the page is. */
  static async run(...options: string[]): Promise<Product> {
    const child = spawn(process.execPath, ["bin/velostream.js", "run", ...options], {
      cwd: ROOT,
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, NO_COLOR: "1" },
    });
    let said = "";
    for await (const chunk of child.stderr) {
      said += String(chunk);
      const url = /Live page and API: (http:\S+)/.exec(said)?.[1];
      if (url === undefined) continue;
      return new Product(url, child);
    }
    throw new Error(`velostream run ${options.join(" ")} ended: ${said}`);
  }

  get port(): string {
    return new URL(this.url).port;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exited = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await exited;
  }
}
