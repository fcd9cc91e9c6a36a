/**
 * The process that makes Parquet files for the archive's writer: does one job after the other, and ends
 * when the writer lets go of it.
 *
 *   writer ──job──▶ this process ──answer──▶ writer          writer dies ─▶ killed at once: no file is made for nobody
 *
 * It holds a lock, so that the next writer's process begins only after this one has ended.
 */
import { constants, setPriority } from "node:os";
import { FileMaker } from "./file-maker.ts";
import { takeLock } from "../files/folder-lock.ts";
import { filesLockPath } from "../files/layout.ts";
import type { ParquetFiles } from "../files/parquet-jobs.ts";
import type { Answer, Job } from "./parquet-process.ts";

/** How long another writer's process may take to end. */
const LOCK_PATIENCE_MS = 10_000;

const [folder = ""] = process.argv.slice(2);
// Live data first.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
// The writer is told too, finishes what is in hand, and lets go of this process then.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => {});

let working = 0;
process.on("disconnect", () => {
  // A file half made is removed at the next start; waiting for it could make a whole one that nobody wants.
  if (working > 0) process.kill(process.pid, "SIGKILL");
  process.exit(0);
});

const maker = takeLock(filesLockPath(folder), LOCK_PATIENCE_MS).then(() => new FileMaker(folder));
let turn: Promise<unknown> = Promise.resolve();
process.on("message", (job: Job) => {
  working += 1;
  turn = work(turn, job);
});

/** One after the other: two at a time would take twice the memory. */
async function work(before: Promise<unknown>, job: Job): Promise<void> {
  await before;
  const answer = await answerTo(job);
  working -= 1;
  process.send?.(answer, undefined, undefined, () => {
    // Nobody is there any more: its end is under way.
  });
}

async function answerTo({ id, name, input }: Job): Promise<Answer> {
  try {
    const writer = (await maker) as unknown as Record<
      keyof ParquetFiles,
      (...input: readonly unknown[]) => Promise<unknown>
    >;
    return { id, value: await writer[name](...input) };
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    return { id, error: { message: message ?? String(error), ...(code === undefined ? {} : { code }) } };
  }
}
