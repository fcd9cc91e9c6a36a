/** `velostream replay PATH`: a recording through the very same pipeline as `run`. */
import { RecordingSource } from "../feed/recording.ts";
import { UsageError } from "../errors.ts";
import { fixedSupply } from "../stages/collect/systems.ts";
import type { Command, CommandContext } from "./command.ts";
import { GROUP_OPTIONS, KAFKA_OPTIONS, TOPIC_OPTIONS, WRITE_OPTIONS } from "./option-lists.ts";
import { FROM_TIME } from "./option-texts.ts";
import { areaRules, pacerRules } from "../stages/collect/system-rules.ts";
import { runSession } from "./session.ts";

export const replay: Command = {
  usage: "[PATH] [options]",
  description:
    "Replays a recording through the very same pipeline as run: a folder of captured station_status files (plain or .gz, one a file), or NDJSON of them, with station_information beside them. Event times are the captures'. Ends with the recording. Without a PATH, a stretch of the history under --data-dir, given by --from and --to or --since: its aggregate publishes the same totals again.",
  examples: [
    { command: "velostream replay captures/ --speed max", does: "as fast as it goes, totals in a table" },
    { command: "velostream replay day.ndjson.gz --speed 60", does: "an hour a minute" },
    { command: "velostream replay captures/ --speed max --json", does: "every totals record, as NDJSON" },
    {
      command: "velostream replay --from 2026-11-20 --to 2026-11-21 --speed 600",
      does: "a day of the history, in two and a half minutes",
    },
  ],
  options: [
    "speed",
    "stations",
    "publish",
    "areas",
    "areas-property",
    ...KAFKA_OPTIONS,
    ...TOPIC_OPTIONS,
    ...WRITE_OPTIONS,
    ...GROUP_OPTIONS,
    "json",
    "for",
    "data-dir",
    "system",
    "since",
    "from",
    "to",
    "timezone",
  ],
  optionTexts: { from: FROM_TIME },
  positionals: [0, 1],
  run,
};

async function run(context: CommandContext): Promise<number> {
  const { settings, clock, logger, positionals } = context;
  const [path] = positionals;
  // Only the history needs DuckDB.
  if (path === undefined) return (await import("./replay-history.ts")).replayHistory(context);
  for (const name of ["since", "from", "to", "system"] as const)
    if (context.origins.get(name)?.startsWith("--") === true)
      throw new UsageError(`--${name} is for the history: leave it out, or leave out ${path}.`);
  const source = new RecordingSource({ path, speed: settings.speed, clock, logger });
  const areasFor = areaRules(settings.areas, settings["areas-property"], { logger });
  const supply = fixedSupply([{ source, areasFor, pacerFor: pacerRules("auto", true) }]);
  return runSession({ context, supply, lossless: true, aggregate: true });
}
