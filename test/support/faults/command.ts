/** `npm run faults -- --kills 1000 --nodes 3 --version 3.6.1`: the fault suite, as long as wanted. */
import { parseArgs } from "node:util";
import { KAFKA_VERSIONS, NEWEST } from "../../../infra/kafka/jars.ts";
import { faultRun } from "./fault-run.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Date.now() % 100_000) },
    nodes: { type: "string", default: "1" },
    version: { type: "string", default: NEWEST },
    stations: { type: "string", default: "200" },
  },
});
const kills = Number(values.kills);
const version = KAFKA_VERSIONS.find((known) => known === values.version);
if (version === undefined) throw new Error(`--version is one of ${KAFKA_VERSIONS.join(", ")}.`);
console.error(`seed ${values.seed}`);
const report = await faultRun({
  kills,
  seed: Number(values.seed),
  nodes: values.nodes === "3" ? 3 : 1,
  version,
  stations: Number(values.stations),
  brokerEveryMs: 8_000,
  pauses: Math.floor(kills / 40),
  report: (line) => console.error(line),
});
const { problems, truth, finalTable, undisturbedTable, ...numbers } = report;
const same = (table: ReadonlyMap<string, string>): boolean =>
  [...truth].every(([area, sum]) => table.get(area) === sum) && table.size === truth.size;
console.log(
  JSON.stringify(
    { ...numbers, final: same(finalTable), undisturbed: same(undisturbedTable), problems },
    null,
    2,
  ),
);
if (problems.length > 0 || !same(finalTable) || !same(undisturbedTable)) process.exitCode = 1;
