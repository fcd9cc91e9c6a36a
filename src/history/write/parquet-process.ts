/**
 * Files of whole days made by a process of its own, which is there while there is something to make: what that takes is
 * given back, and a file can wait for live data.
 *
 *   none ──job──▶ started ──answers──▶ idle ──0.5 s──▶ none          it dies: its jobs are rejected, the next starts another
 */
import { fork, type ChildProcess } from "node:child_process";
import nodeModule from "node:module";
import { dirname, extname } from "node:path";
import { fileURLToPath } from "node:url";
import type {
  KeyframeJob,
  LastTotals,
  MadeFile,
  MergeJob,
  ParquetFiles,
  SystemRows,
} from "../files/parquet-jobs.ts";
import type { Table } from "../files/layout.ts";
import type { Source } from "../sql/relation.ts";

export interface Job {
  readonly id: number;
  readonly name: Exclude<keyof ParquetFiles, "close">;
  readonly input: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly code?: string } };

interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Jobs come in bunches: one table, then the other. */
const IDLE_MS = 500;
/**
 * A small heap: it holds some 60,000 rows at a time. With what bin/velostream.js starts with, 30 MB more. Compiled code is kept by these (scripts/warm-code-cache.ts).
 */
export const PARQUET_FLAGS = ["--max-semi-space-size=1", "--heap-growing-percent=20", "--optimize-for-size"];

/** Source in the checkout, JavaScript in the package: whatever this file is. */
const CHILD = fileURLToPath(new URL(`./parquet-child${extname(import.meta.url)}`, import.meta.url));

export class ParquetProcess implements ParquetFiles {
  readonly #folder: string;
  #child: ChildProcess | null = null;
  #idle: NodeJS.Timeout | null = null;
  #nextId = 1;
  readonly #waiting = new Map<number, Waiting>();

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** null while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  async merge(job: MergeJob): Promise<MadeFile> {
    return this.#ask("merge", job);
  }

  async keyframe(job: KeyframeJob): Promise<MadeFile> {
    return this.#ask("keyframe", job);
  }

  async systemsIn(table: Table, sources: readonly Source[]): Promise<readonly SystemRows[]> {
    return this.#ask("systemsIn", table, sources);
  }

  async lastTotals(sources: readonly Source[], epoch: number): Promise<readonly LastTotals[]> {
    return sources.length === 0 ? [] : this.#ask("lastTotals", sources, epoch);
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    // What it is at is given up: its writer goes, and the next one makes it.
    this.#reject("its writer is closed");
    // It may be dying by itself just now, or never have started: that is an end too.
    const ended = new Promise<void>((resolve) => {
      child.once("exit", () => resolve());
      child.once("error", () => resolve());
    });
    this.#letGo();
    await ended;
  }

  async #ask<T>(name: Job["name"], ...input: readonly unknown[]): Promise<T> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    const child = (this.#child ??= this.#start());
    const id = this.#nextId++;
    const answer = new Promise<unknown>((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    child.send({ id, name, input } satisfies Job, () => {
      // It could not be told: its end says so.
    });
    return (await answer) as T;
  }

  #start(): ChildProcess {
    const cache = nodeModule.getCompileCacheDir();
    const child = fork(CHILD, [this.#folder], {
      execArgv: PARQUET_FLAGS,
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      // Nothing of ours: there may be secrets. One arena of glibc's, for one thread works: 10 MB less.
      env: { MALLOC_ARENA_MAX: "1", ...(cache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(cache) }) },
    });
    child.on("message", (answer: Answer) => this.#take(answer));
    child.on("error", (error) => this.#ended(child, error.message));
    child.on("exit", (code, signal) => this.#ended(child, signal ?? `exit code ${code}`));
    return child;
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ("error" in answer) {
      const { message, ...rest } = answer.error;
      waiting?.reject(Object.assign(new Error(message), rest));
    } else waiting?.resolve(answer.value);
    if (this.#waiting.size === 0) {
      this.#idle = setTimeout(() => this.#letGo(), IDLE_MS);
      this.#idle.unref();
    }
  }

  #letGo(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#idle = null;
    this.#child?.disconnect();
    this.#child = null;
  }

  #ended(child: ChildProcess, how: string): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#reject(how);
  }

  #reject(how: string): void {
    for (const { reject } of this.#waiting.values())
      reject(new Error(`the process that makes its files ended (${how})`));
    this.#waiting.clear();
  }
}
