/**
 * Claim: 1,520 systems with 300,000 stations are polled on schedule by one process, from discovery to totals: under
 * 1 GB resident, under one core, no ttl violated, 99 % of the polls begin within a second of when they were due.
 *
 * What is measured is `run` without its page and its archive (bench/support/many-systems-run.ts).
 */
import { collectManySystems } from "./support/many-systems-run.ts";
import { figure, report } from "./support/report.ts";

const run = await collectManySystems({
  warmUpMs: Number(process.env["WARM_UP_S"] ?? 90) * 1000,
  measuredMs: Number(process.env["MEASURED_S"] ?? 180) * 1000,
});
report({
  name: "many-systems",
  claim: `${run.systems} systems with ${run.stations} stations on schedule: under 1 GB, under one core, no ttl violated, p99 delay under 1 s`,
  holds:
    run.live === run.systems &&
    run.held === run.stations &&
    Math.max(...run.residentMb) < 1000 &&
    run.cores < 1 &&
    run.early === 0 &&
    run.delayP99Ms < 1000,
  figures: [
    figure("resident memory", "MB", run.residentMb),
    figure("processor", "cores", [run.cores]),
    figure("schedule delay, median", "ms", [run.delayMedianMs]),
    figure("schedule delay, 99th percentile", "ms", [run.delayP99Ms]),
  ],
  facts: {
    systems: run.systems,
    stations: run.stations,
    liveAfterWarmUp: run.live,
    stationsHeld: run.held,
    pollsASecond: Math.round((run.polls * 10_000) / run.wallMs) / 10,
    failedPolls: run.failures,
    requestsBeforeTheTtlWasOver: run.early,
    heldAfterCollectionMb: run.heldAfterCollectionMb,
    measuredSeconds: Math.round(run.wallMs / 1000),
  },
});
