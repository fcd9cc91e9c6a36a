/** Waiting for a member of a group to have read what there is. */
import type { Clock, Log, ProcessHandle } from "../ports.ts";

const LOOK_EVERY_MS = 10;

/** Resolves when it has processed everything in the log, or has stopped, or the log is away. */
export async function caughtUp(member: ProcessHandle, log: Log, clock: Clock): Promise<void> {
  const settled = member.done.then(
    () => true,
    () => true,
  );
  while (log.health().ok && member.progress().some(({ lagRecords }) => lagRecords > 0)) {
    if (await Promise.race([settled, clock.sleep(LOOK_EVERY_MS).then(() => false)])) return;
  }
}
