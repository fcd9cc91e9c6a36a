/** What another process uses, from Linux's /proc. */
import { readdirSync, readFileSync } from "node:fs";

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

/** User and system time of a process, all threads, ms. */
export function cpuMsOf(pid: number | null | undefined): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Resident memory of a process. */
export function residentBytesOf(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024;
}

/** Processes that a process started and that still run. */
export function childrenOf(pid: number): readonly number[] {
  return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    (read(`/proc/${pid}/task/${task}/children`) ?? "").split(" ").filter(Boolean).map(Number),
  );
}

/** Memory of a process, pages that it shares counted by their share; 0 when it has ended. */
export function proportionalBytesOf(pid: number): number {
  return Number(/^Pss:\s+(\d+) kB$/m.exec(read(`/proc/${pid}/smaps_rollup`) ?? "")?.[1] ?? 0) * 1_024;
}

/** Processor time of a process's children that have ended, ms. */
export function endedChildrenCpuMsOf(pid: number): number {
  const fields = (read(`/proc/${pid}/stat`) ?? "").replace(/^.*\) /, "").split(" ");
  return (Number(fields[13]) + Number(fields[14])) * TICK_MS;
}

function read(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
