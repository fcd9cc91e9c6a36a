/** `npm run kafka`: a development Kafka on this machine until Ctrl-C. */
import { parseArgs } from "node:util";
import { startBroker } from "./broker.ts";
import { MissingTool } from "../maven.ts";
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

/** sysexits: usage, unavailable. */
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;

const say = (line: string): void => console.error(line);

class UsageProblem extends Error {}

function options(): { version: KafkaVersion; nodes: number; port: number; dataDir: string } | null {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        nodes: { type: "string", default: "1" },
        version: { type: "string", default: NEWEST },
        port: { type: "string", default: "9092" },
        "data-dir": { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    throw new UsageProblem(error instanceof Error ? error.message : String(error));
  }
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

function integer(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UsageProblem(`${flag} ${text} is not an integer from ${least} to ${most}.`);
  return value;
}

async function main(): Promise<number> {
  const chosen = options();
  if (chosen === null) {
    console.log(HELP);
    return 0;
  }
  const interrupted = new Promise<string>((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.on(signal, () => {
        resolve(signal);
        // The second one does not wait: the exit handler kills what is left.
        process.once(signal, () => process.exit(130));
      });
  });
  const starting = startBroker({ ...chosen, report: say });
  const first = await Promise.race([starting, interrupted]);
  if (typeof first === "string") {
    say("Interrupted while starting.");
    return 0;
  }
  const brokers = first.brokers.join(",");
  say(
    `Kafka ${chosen.version} is up${needsZooKeeper(chosen.version) ? " (with ZooKeeper)" : ""}: --brokers ${brokers}`,
  );
  say(`Data and logs: ${first.dataDir} (delete the folder to start afresh). Ctrl-C stops it.`);
  const ended = await Promise.race([interrupted, first.died.then((name) => ({ name }))]);
  if (typeof ended === "string") say("Stopping; the data stays.");
  else say(`${ended.name} stopped by itself: see its log in ${first.dataDir}.`);
  await first.stop();
  return typeof ended === "string" ? 0 : EXIT_UNAVAILABLE;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  if (error instanceof UsageProblem) say("Try: npm run kafka -- --help");
  process.exitCode = error instanceof UsageProblem ? EXIT_USAGE : EXIT_UNAVAILABLE;
  if (error instanceof MissingTool) process.exitCode = EXIT_UNAVAILABLE;
}
process.exit();
