/** `npm run spark`: a Spark Connect server on this machine until Ctrl-C. */
import { parseArgs } from "node:util";
import { startSpark } from "./server.ts";

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

/** sysexits: usage, unavailable. */
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;

const say = (line: string): void => console.error(line);

class UsageProblem extends Error {}

interface Chosen {
  readonly workers: number;
  readonly port: number;
  readonly uiPort: number;
  readonly heapMb: number;
  readonly dataDir: string;
}

function options(): Chosen | null {
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        cluster: { type: "boolean", default: false },
        port: { type: "string", default: "15002" },
        "ui-port": { type: "string", default: "4040" },
        "heap-mb": { type: "string", default: "1024" },
        "data-dir": { type: "string", default: "data/spark-server" },
        help: { type: "boolean", short: "h", default: false },
      },
    }));
  } catch (error) {
    throw new UsageProblem(error instanceof Error ? error.message : String(error));
  }
  if (values.help) return null;
  return {
    workers: values.cluster ? 2 : 0,
    port: integer("--port", values.port, 0, 65_535),
    uiPort: integer("--ui-port", values["ui-port"], 0, 65_535),
    heapMb: integer("--heap-mb", values["heap-mb"], 512, 65_536),
    dataDir: values["data-dir"],
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
  const first = await Promise.race([startSpark({ ...chosen, report: say }), interrupted]);
  if (typeof first === "string") {
    say("Interrupted while starting.");
    return 0;
  }
  say(`Spark ${first.version} is up: --engine spark --spark ${first.url}`);
  say(`Its page: http://127.0.0.1:${chosen.uiPort}. Logs: ${first.dataDir}. Ctrl-C stops it.`);
  const ended = await Promise.race([interrupted, first.died.then((name) => ({ name }))]);
  if (typeof ended === "string") say("Stopping.");
  else say(`${ended.name} stopped by itself: see its log in ${first.dataDir}.`);
  await first.stop();
  return typeof ended === "string" ? 0 : EXIT_UNAVAILABLE;
}

try {
  process.exitCode = await main();
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  if (error instanceof UsageProblem) say("Try: npm run spark -- --help");
  process.exitCode = error instanceof UsageProblem ? EXIT_USAGE : EXIT_UNAVAILABLE;
}
process.exit();
