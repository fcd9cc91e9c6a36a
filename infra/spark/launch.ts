/** `npm run spark`: a Spark Connect server on this machine until Ctrl-C. */
import { parseArgs } from "node:util";
import { integer, launch, parsed } from "../launcher.ts";
import { type RunningSpark, startSpark } from "./server.ts";

const HELP = `Starts a Spark Connect server on this machine, without Docker, until Ctrl-C.

Usage: npm run spark -- [options]

Examples:
  npm run spark                        everything in one process, at sc://127.0.0.1:15002
  npm run spark -- --cluster           one master and two workers behind the same address

Options:
  --cluster        one master and two workers, one core each
  --port P         of the Connect server; 0 picks a free one (default 15002)
  --ui-port P      of Spark's web interface (default 4040)
  --heap-mb N      memory of the server (default 1024)
  --data-dir DIR   logs and scratch space (default data/spark-server)
  --help           this text
`;

interface Chosen {
  readonly workers: number;
  readonly port: number;
  readonly uiPort: number;
  readonly heapMb: number;
  readonly dataDir: string;
}

function options(): Chosen | null {
  const { values } = parsed(() =>
    parseArgs({
      options: {
        cluster: { type: "boolean", default: false },
        port: { type: "string", default: "15002" },
        "ui-port": { type: "string", default: "4040" },
        "heap-mb": { type: "string", default: "1024" },
        "data-dir": { type: "string", default: "data/spark-server" },
        help: { type: "boolean", short: "h", default: false },
      },
    }),
  );
  if (values.help) return null;
  return {
    workers: values.cluster ? 2 : 0,
    port: integer("--port", values.port, 0, 65_535),
    uiPort: integer("--ui-port", values["ui-port"], 0, 65_535),
    heapMb: integer("--heap-mb", values["heap-mb"], 512, 65_536),
    dataDir: values["data-dir"],
  };
}

await launch<Chosen, RunningSpark>({
  command: "npm run spark",
  help: HELP,
  options,
  start: (chosen, report) => startSpark({ ...chosen, report }),
  describe: ({ version, url, dataDir }, { uiPort }) => [
    `Spark ${version} is up: --engine spark --spark ${url}`,
    `Its page: http://127.0.0.1:${uiPort}. Logs: ${dataDir}. Ctrl-C stops it.`,
  ],
  farewell: "Stopping.",
});
