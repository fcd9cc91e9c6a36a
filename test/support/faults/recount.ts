/** Runs the checker in Python, which shares neither code nor client with velostream (recount.py). */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("recount.py", import.meta.url));

/** @returns one sentence per total that is not what its raw prefix counts */
export function recount(
  python: string,
  brokers: readonly string[],
  rawTopic: string,
  totalsTopic: string,
): readonly string[] {
  const args = [SCRIPT, brokers.join(","), rawTopic, totalsTopic];
  const { status, stdout, stderr } = spawnSync(python, args, { encoding: "utf8", timeout: 120_000 });
  if (status !== 0 && status !== 1) throw new Error(`recount.py ended with ${status}: ${stderr}`);
  const report = JSON.parse(stdout) as { raw: number; totals: number; problems: readonly string[] };
  if (report.raw === 0 || report.totals === 0) return ["recount.py found no records"];
  return report.problems;
}
