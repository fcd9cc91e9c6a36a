/** A real process that collects systems whose files are bombs, and the most memory that it ever took. */
import { fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { velostream } from "../velostream.ts";

export interface Attacked {
  /** Resident after all, and the most at any time, bytes. */
  readonly endBytes: number;
  readonly peakBytes: number;
  /** Answers to a question of health that took longer than a second. */
  readonly slowAnswers: number;
  readonly answers: number;
  /** Null where it still ran when it was told to stop, as it should. */
  readonly endedBy: string | null;
  /** How often each word for a failed poll was told. */
  readonly outcomes: Readonly<Record<string, number>>;
}

export interface Attack {
  /** Kinds of bombs; none for plain small systems. */
  readonly kinds: readonly string[];
  readonly systems: number;
  readonly forMs: number;
  readonly armed: boolean;
  /** Options of Node for the victim. */
  readonly args?: readonly string[];
}

/** Runs `velostream run` without a history against as many systems as wanted. */
export async function attack({ kinds, systems, forMs, armed, args = [] }: Attack): Promise<Attacked> {
  const folder = mkdtempSync(join(tmpdir(), "velostream-bombs-"));
  const server = fork(new URL("server-process.ts", import.meta.url), [kinds.join("|")], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const told = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      server.once("message", resolve);
      server.once("exit", () => reject(new Error("the server of bombs has ended")));
    });
  try {
    const port = (await told()) as number;
    if (armed) {
      server.send("arm");
      await told();
    }
    const list = Array.from(
      { length: systems },
      (_, n) => `- http://127.0.0.1:${port}/${n}/gbfs.json\n`,
    ).join("");
    const feeds = join(folder, "feeds.yaml");
    writeFileSync(feeds, list);
    const victim = velostream(
      [
        "run",
        "--feeds",
        feeds,
        "--interval",
        "2s",
        "--port",
        "0",
        "--no-archive",
        "--data-dir",
        join(folder, "data"),
        ...args,
      ],
      {},
      forMs + 120_000,
    );
    let ended: string | null = null;
    let output = "";
    victim.process.stderr?.on("data", (text: string) => (output += text));
    void victim.finished.then(({ exitCode, stderr }) => (ended = `${exitCode}: ${stderr.slice(-500)}`));
    await victim.seen("stderr", /Live page and API: (\S+)/);
    const url = /Live page and API: (\S+)/.exec(output)?.[1] ?? "";
    let [slowAnswers, answers] = [0, 0];
    const endMs = performance.now() + forMs;
    while (performance.now() < endMs && ended === null) {
      const askedMs = performance.now();
      await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(30_000) }).then(
        (answer) => answer.text(),
        () => undefined,
      );
      answers += 1;
      if (performance.now() - askedMs > 1_000) slowAnswers += 1;
      await delay(100);
    }
    const endedBy = ended;
    const { peakBytes, endBytes } =
      endedBy === null ? memoryOf(victim.process.pid ?? 0) : { peakBytes: NaN, endBytes: NaN };
    const outcomes = endedBy === null ? await outcomesOf(url) : {};
    victim.process.kill("SIGKILL");
    await victim.finished;
    return { peakBytes, endBytes, slowAnswers, answers, endedBy, outcomes };
  } finally {
    server.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the kernel counted of one process. */
function memoryOf(pid: number): { peakBytes: number; endBytes: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const bytes = (name: string): number =>
    Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
  return { peakBytes: bytes("VmHWM"), endBytes: bytes("VmRSS") };
}

async function outcomesOf(url: string): Promise<Record<string, number>> {
  const text = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(60_000) }).then((answer) =>
    answer.text(),
  );
  const outcomes: Record<string, number> = {};
  for (const [, outcome = "", count] of text.matchAll(
    /^velostream_polls_total\{[^}]*outcome="([^"]+)"[^}]*\} (\d+)/gm,
  ))
    outcomes[outcome] = (outcomes[outcome] ?? 0) + Number(count);
  return outcomes;
}
