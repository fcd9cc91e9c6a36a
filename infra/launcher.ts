/** What `npm run kafka` and `npm run spark` have in common: a server until Ctrl-C, and an exit code that says how it ended. */

/** sysexits: usage, unavailable. */
const EXIT_USAGE = 64;
const EXIT_UNAVAILABLE = 69;

/** The command line cannot be understood. */
export class UsageProblem extends Error {}

export interface RunningServer {
  readonly dataDir: string;
  /** Resolves with its name when a process of it dies without being asked to. */
  readonly died: Promise<string>;
  stop(): Promise<void>;
}

export interface Launcher<Options, Server extends RunningServer> {
  /** As people start it, e.g. `npm run kafka`. */
  readonly command: string;
  readonly help: string;
  /** Reads the command line; null for `--help`. @throws UsageProblem */
  readonly options: () => Options | null;
  readonly start: (options: Options, report: (line: string) => void) => Promise<Server>;
  /** Told when it is up: where it is, and where its files are. */
  readonly describe: (server: Server, options: Options) => readonly string[];
  /** Told when it is asked to stop. */
  readonly farewell: string;
}

const say = (line: string): void => console.error(line);

/** Runs until SIGINT or SIGTERM and ends the process. */
export async function launch<Options, Server extends RunningServer>(
  launcher: Launcher<Options, Server>,
): Promise<never> {
  let exitCode: number;
  try {
    exitCode = await run(launcher);
  } catch (error) {
    say(error instanceof Error ? error.message : String(error));
    if (error instanceof UsageProblem) say(`Try: ${launcher.command} -- --help`);
    exitCode = error instanceof UsageProblem ? EXIT_USAGE : EXIT_UNAVAILABLE;
  }
  process.exit(exitCode);
}

/** What `parse` gives; its complaint is about the command line. */
export function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    throw new UsageProblem(error instanceof Error ? error.message : String(error));
  }
}

export function integer(flag: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > most)
    throw new UsageProblem(`${flag} ${text} is not an integer from ${least} to ${most}.`);
  return value;
}

async function run<Options, Server extends RunningServer>(
  launcher: Launcher<Options, Server>,
): Promise<number> {
  const options = launcher.options();
  if (options === null) {
    console.log(launcher.help);
    return 0;
  }
  const interrupted = new Promise<"interrupted">((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.on(signal, () => {
        resolve("interrupted");
        // The second one does not wait: the exit handler kills what is left.
        process.once(signal, () => process.exit(130));
      });
  });
  const server = await Promise.race([launcher.start(options, say), interrupted]);
  if (server === "interrupted") {
    say("Interrupted while starting.");
    return 0;
  }
  for (const line of launcher.describe(server, options)) say(line);
  const ended = await Promise.race([interrupted, server.died.then((name) => ({ name }))]);
  if (ended === "interrupted") say(launcher.farewell);
  else say(`${ended.name} stopped by itself: see its log in ${server.dataDir}.`);
  await server.stop();
  return ended === "interrupted" ? 0 : EXIT_UNAVAILABLE;
}
