/** How an answer from the history is written: `--format`, or `--json` as everywhere else. */
import type { Settings } from "../config/options.ts";
import { UsageError } from "../errors.ts";
import type { CommandContext } from "./command.ts";

/**
 * @param json what `--json` stands for: one JSON object, or a line of JSON each where there may be millions
 * @param otherwise what neither asks for
 * @throws UsageError when the two contradict each other on the command line
 */
export function askedFormat(
  { settings, origins }: Pick<CommandContext, "settings" | "origins">,
  json: "json" | "ndjson",
  otherwise: NonNullable<Settings["format"]>,
): NonNullable<Settings["format"]> {
  const { format } = settings;
  if (!settings.json) return format ?? otherwise;
  if (format === null || format === json) return json;
  const isFlag = (name: "json" | "format"): boolean => origins.get(name)?.startsWith("-") === true;
  if (isFlag("format") === isFlag("json"))
    throw new UsageError(`--json and --format ${format} contradict each other. Leave one of them out.`);
  // What is typed wins over the environment and the file.
  return isFlag("json") ? json : format;
}
