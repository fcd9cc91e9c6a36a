/** Help texts, made from the table of commands and the table of options; 80 columns, examples first. */
import { formatDuration } from "../config/option-types.ts";
import {
  COMMON_OPTIONS,
  environmentName,
  OPTIONS,
  type OptionName,
  type OptionRow,
} from "../config/options.ts";
import { OPTION_GROUPS } from "../config/option-types.ts";
import {
  COMMAND_GROUPS,
  type Command,
  type CommandEntry,
  type CommandGroup,
  type OptionText,
} from "./command.ts";

const WIDTH = 80;

/** `velostream` alone, or `velostream --help`. */
export function overview(commands: readonly CommandEntry[]): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const inGroup = (group: CommandGroup): string[] =>
    commands
      .filter((command) => command.group === group)
      .flatMap(({ name, summary }) => columns(`  ${name.padEnd(width)}`, summary));
  return [
    "velostream turns bike-share feeds (GBFS) into correct live totals per area.",
    "",
    "Examples:",
    "  velostream run                  Vélib' live: table here, map in the browser",
    "  velostream demo                 the same on a simulated city, no network",
    "  velostream systems lyon         my city: the first column is what --feed takes",
    ...Object.entries(COMMAND_GROUPS).flatMap(([group, heading]) => {
      const lines = inGroup(group as CommandGroup);
      return lines.length === 0 ? [] : ["", `${heading}:`, ...lines];
    }),
    "",
    ...columns("  -h, --help     ", "This text, or a command's: velostream run --help"),
    ...columns("  -v, --version  ", "Which version this is."),
    "",
    'Options of a command: "velostream COMMAND --help". Everything: README.md, docs/.',
    "",
  ].join("\n");
}

/** `velostream COMMAND --help`. */
export function commandHelp(name: string, command: Command): string {
  const options = [...new Set<OptionName>([...command.options, ...COMMON_OPTIONS])];
  const texts = command.optionTexts ?? {};
  const width = Math.min(
    30,
    Math.max(...options.map((option) => flagText(option, texts[option]).length)) + 4,
  );
  return [
    ...wrap(command.description, WIDTH),
    "",
    "Examples:",
    ...command.examples.flatMap(({ command, does }) => [
      ...shellLines(command),
      ...wrap(does, WIDTH - 6).map((line) => `      ${line}`),
    ]),
    "",
    `Usage: velostream ${name} ${command.usage}`,
    ...optionSections(options, (option) => optionLines(option, width, texts[option])),
    ...columns(`  ${"-h, --help".padEnd(width)}`, "This text."),
    "",
    "Every option is also an environment variable (VELOSTREAM_…) and a line of the",
    "--config file; see docs/configuration.md.",
    "",
  ].join("\n");
}

/** More options than this stand under the headings of their groups. */
const MOST_WITHOUT_HEADINGS = 16;

function optionSections(
  options: readonly OptionName[],
  linesOf: (option: OptionName) => readonly string[],
): string[] {
  if (options.length <= MOST_WITHOUT_HEADINGS) return ["", "Options:", ...options.flatMap(linesOf)];
  return Object.entries(OPTION_GROUPS).flatMap(([group, heading]) => {
    const own = options.filter((option) => OPTIONS[option].group === group);
    return own.length === 0 ? [] : ["", `${heading}:`, ...own.flatMap(linesOf)];
  });
}

function optionLines(name: OptionName, width: number, text: OptionText | undefined): string[] {
  const row: OptionRow = OPTIONS[name];
  const facts = [text?.help ?? row.without ?? row.help];
  if (row.choices !== undefined) facts.push(`One of ${row.choices.join(", ")}.`);
  const shown = text?.default ?? defaultText(row);
  if (shown !== null) facts.push(`[${shown}]`);
  if (row.kind === "secret") facts.push("(environment only)");
  const flag = flagText(name, text);
  const head = `  ${flag.padEnd(width)}`;
  if (flag.length + 2 > width) {
    return [`  ${flag}`, ...columns(" ".repeat(width + 2), facts.join(" "))];
  }
  return columns(head, facts.join(" "));
}

/** How an option is written on the command line (secrets: in the environment). */
export function flagText(name: OptionName, text?: OptionText): string {
  const row: OptionRow = OPTIONS[name];
  if (row.kind === "secret") return environmentName(name);
  if (row.kind === "flag") return row.default === true ? `--no-${name}` : `--${name}`;
  return `--${name} ${text?.metavar ?? row.metavar ?? "VALUE"}`;
}

/** An option's default as a user would write it; null when there is none to speak of. */
export function defaultText(row: OptionRow): string | null {
  if (row.default === null || row.kind === "flag") return null;
  if (Array.isArray(row.default)) return row.default.join(",");
  if (row.kind === "duration" || row.kind === "duration-or-auto")
    return typeof row.default === "number" ? formatDuration(row.default) : String(row.default);
  return String(row.default);
}

/** A command as one would paste it: a long one goes on in the next line. */
function shellLines(command: string): string[] {
  const lines = wrap(command, WIDTH - 6);
  return lines.map(
    (line, index) => `${index === 0 ? "  " : "    "}${line}${index < lines.length - 1 ? " \\" : ""}`,
  );
}

/** `head`, then `text` wrapped beside it. */
function columns(head: string, text: string): string[] {
  return wrap(text, Math.max(24, WIDTH - head.length)).map((line, index) =>
    index === 0 ? `${head}${line}` : `${" ".repeat(head.length)}${line}`,
  );
}

function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line];
}
