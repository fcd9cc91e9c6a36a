/** Ending a query that an earlier supervisor of this folder left running. */
import { SparkError } from "../../errors.ts";
import { loadQueryRecord } from "./query-record.ts";
import type { SupervisorOptions } from "./supervisor-options.ts";

/** A query that is nobody's must not write on. */
export async function releaseKept({
  connect,
  recordFile,
}: Pick<SupervisorOptions, "connect" | "recordFile">): Promise<void> {
  const kept = await loadQueryRecord(recordFile);
  if (kept?.started !== true) return;
  const session = connect(kept.sessionId);
  try {
    await session.release();
  } catch (error) {
    // Away or forgotten: then there is nothing to stop, or it is overtaken (`through`) and expires.
    if (!(error instanceof SparkError)) throw error;
  } finally {
    session.close();
  }
}
