/** `npm run faults:archive -- --kills 200 --full-disks 10`: the archive's fault run, as long as wanted. */
import { parseArgs } from "node:util";
import { archiveFaultRun } from "./archive-fault-run.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "200" },
    "full-disks": { type: "string", default: "10" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
  },
});
console.error(`seed ${values.seed}`);
const report = await archiveFaultRun({
  kills: Number(values.kills),
  fullDisks: Number(values["full-disks"]),
  seed: Number(values.seed),
  report: (line) => console.error(line),
});
console.log(JSON.stringify(report, null, 2));
if (report.problems.length > 0) process.exitCode = 1;
