/**
 * The tasks of a page's main thread as the browser traces them, in processor time, and what each of them was made of:
 *
 *   RunTask 17.3 ms ─┬─ FireAnimationFrame ─┬─ FunctionCall      script
 *                    │                      └─ MinorGC           garbage
 *                    ├─ UpdateLayoutTree, Layout, Paint          what the script asked for
 *                    └─ Commit                                   waiting for the compositor: not counted
 */
import type { CDPSession } from "playwright-core";

const CATEGORIES = ["toplevel", "devtools.timeline", "v8", "disabled-by-default-v8.gc"];
/** Shorter tasks are left out: thousands, and none of them ever makes a frame late. */
const SHORTEST_US = 1_000;

interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly pid: number;
  readonly tid: number;
  readonly ts: number;
  /** Microseconds by the clock, and of the thread's processor time. */
  readonly dur?: number;
  readonly tdur?: number;
  readonly args: {
    readonly name?: string;
    readonly data?: { readonly functionName?: string; readonly type?: string };
  };
}

/** One kind of work within a task; `ms` is its own time, without that of what is named apart from it. */
export interface Piece {
  readonly name: string;
  readonly ms: number;
}

export interface Task {
  readonly ms: number;
  /** Milliseconds since tracing began. */
  readonly atMs: number;
  /** Longest first. */
  readonly pieces: readonly Piece[];
}

/** Traces until the returned function is called, which says what tasks of a millisecond or more there were. */
export async function traceTasks(session: CDPSession): Promise<() => Promise<Task[]>> {
  const events: TraceEvent[] = [];
  const collect = ({ value }: { readonly value: readonly object[] }): void => {
    events.push(...(value as unknown as TraceEvent[]));
  };
  session.on("Tracing.dataCollected", collect);
  await session.send("Tracing.start", {
    transferMode: "ReportEvents",
    traceConfig: { includedCategories: CATEGORIES },
  });
  return async () => {
    const complete = new Promise((resolve) => session.once("Tracing.tracingComplete", resolve));
    await session.send("Tracing.end");
    await complete;
    session.off("Tracing.dataCollected", collect);
    return tasksOf(events);
  };
}

function tasksOf(events: readonly TraceEvent[]): Task[] {
  const threads = new Set(
    events
      .filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain")
      .map(({ pid, tid }) => `${pid}/${tid}`),
  );
  const tasks: Task[] = [];
  for (const thread of threads) {
    const own = events
      .filter(({ ph, pid, tid }) => ph === "X" && `${pid}/${tid}` === thread)
      // An event comes before those within it.
      .sort((a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0));
    const firstUs = own[0]?.ts ?? 0;
    own.forEach((event, index) => {
      if (event.name !== "ThreadControllerImpl::RunTask" || (event.tdur ?? 0) < SHORTEST_US) return;
      const pieces = piecesOf(event, own, index);
      const ms = pieces.reduce((sum, piece) => sum + piece.ms, 0);
      tasks.push({ ms, atMs: (event.ts - firstUs) / 1_000, pieces });
    });
  }
  return tasks;
}

/** What `task`, the event at `index` of its thread, spent its processor time on. */
function piecesOf(task: TraceEvent, thread: readonly TraceEvent[], index: number): Piece[] {
  const endUs = task.ts + (task.dur ?? 0);
  const ownUs = new Map<string, number>();
  const add = (name: string, us: number): void => void ownUs.set(name, (ownUs.get(name) ?? 0) + us);
  const open: TraceEvent[] = [task];
  add("other", task.tdur ?? 0);
  for (let next = index + 1; next < thread.length; next += 1) {
    const event = thread[next];
    if (event === undefined || event.ts >= endUs) break;
    while (open.length > 1 && event.ts >= (open.at(-1)?.ts ?? 0) + (open.at(-1)?.dur ?? 0)) open.pop();
    const around = open.at(-1) ?? task;
    add(labelOf(event), event.tdur ?? 0);
    add(around === task ? "other" : labelOf(around), -(event.tdur ?? 0));
    open.push(event);
  }
  ownUs.delete("Commit");
  return [...ownUs].map(([name, us]) => ({ name, ms: us / 1_000 })).sort((a, b) => b.ms - a.ms);
}

function labelOf({ name, args }: TraceEvent): string {
  const said = name === "FunctionCall" ? args.data?.functionName : args.data?.type;
  return said === undefined || said === "" ? name : `${name} ${said}`;
}
