/** `npm run kafka`: a development Kafka on this machine until Ctrl-C. */
import { parseArgs } from "node:util";
import { integer, launch, parsed, UsageProblem } from "../launcher.ts";
import { type RunningBroker, startBroker } from "./broker.ts";
import { KAFKA_VERSIONS, type KafkaVersion, NEWEST } from "./jars.ts";
import { needsZooKeeper } from "./properties.ts";

const HELP = `Starts Kafka on this machine, without Docker, until Ctrl-C.

Usage: npm run kafka -- [options]

Examples:
  npm run kafka                        one node on 127.0.0.1:9092
  npm run kafka -- --nodes 3           three nodes, on 9092, 9093 and 9094
  npm run kafka -- --version 2.6.0     an old broker, with its ZooKeeper

Options:
  --nodes N        how many nodes, 1 to 9 (default 1)
  --version V      ${KAFKA_VERSIONS.join(", ")} (default ${NEWEST})
  --port P         of the first node, the others follow; 0 picks free ones (default 9092)
  --data-dir DIR   kept between runs (default data/kafka/<version>-<nodes>)
  --help           this text
`;

interface Chosen {
  readonly version: KafkaVersion;
  readonly nodes: number;
  readonly port: number;
  readonly dataDir: string;
}

function options(): Chosen | null {
  const { values } = parsed(() =>
    parseArgs({
      options: {
        nodes: { type: "string", default: "1" },
        version: { type: "string", default: NEWEST },
        port: { type: "string", default: "9092" },
        "data-dir": { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }),
  );
  if (values.help) return null;
  const version = KAFKA_VERSIONS.find((known) => known === values.version);
  if (version === undefined)
    throw new UsageProblem(`--version ${values.version} is not one of ${KAFKA_VERSIONS.join(", ")}.`);
  const nodes = integer("--nodes", values.nodes, 1, 9);
  return {
    version,
    nodes,
    port: integer("--port", values.port, 0, 50_000),
    dataDir: values["data-dir"] ?? `data/kafka/${version}-${nodes}`,
  };
}

await launch<Chosen, RunningBroker>({
  command: "npm run kafka",
  help: HELP,
  options,
  start: (chosen, report) => startBroker({ ...chosen, report }),
  describe: ({ brokers, dataDir }, { version }) => [
    `Kafka ${version} is up${needsZooKeeper(version) ? " (with ZooKeeper)" : ""}: --brokers ${brokers.join(",")}`,
    `Data and logs: ${dataDir} (delete the folder to start afresh). Ctrl-C stops it.`,
  ],
  farewell: "Stopping; the data stays.",
});
