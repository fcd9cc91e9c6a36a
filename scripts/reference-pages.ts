/** The reference pages that are made from the code's own tables; `npm run docs` writes them, a test compares them. */
import { COMMANDS } from "../src/cli/commands.ts";
import { OPTION_GROUPS } from "../src/config/option-types.ts";
import { commandHelp, defaultText, flagText, overview } from "../src/cli/help.ts";
import { environmentName, OPTIONS, type OptionName, type OptionRow } from "../src/config/options.ts";
import { ERRORS, EXIT, type ErrorRow } from "../src/errors.ts";
import type { MetricRow } from "../src/telemetry/metric-row.ts";
import { METRICS } from "../src/telemetry/metric-table.ts";

const MADE = "<!-- Made by `npm run docs` from the code; edit the table it names, not this page. -->";

/** Path in the repository → content. */
export async function referencePages(): Promise<ReadonlyMap<string, string>> {
  return new Map([
    ["docs/configuration.md", configurationPage()],
    ["docs/errors.md", errorsPage()],
    ["docs/metrics.md", metricsPage()],
    ["docs/cli.md", await cliPage()],
  ]);
}

function configurationPage(): string {
  const lines = [
    "# Configuration",
    MADE,
    "",
    "Every option is a flag, an environment variable and a key of the `--config` file (YAML). Flags win over the",
    "environment, the environment over the file, the file over the defaults. Unknown names and malformed values are",
    "errors that say where they came from. An empty variable counts as not set. Source: `src/config/options.ts`.",
    "",
    "Durations are written `500ms`, `10s`, `5m`, `24h`, `90d`. Secrets have no flag (other users of the machine would",
    "see it): set the variable, or the variable with `_FILE` added to the path of a file that holds the secret.",
    "",
    "```yaml",
    "# velostream.yaml",
    "interval: 30s",
    "stations: [16107, 32017]",
    "brokers: [localhost:9092]",
    "```",
  ];
  const rows = Object.entries<OptionRow>(OPTIONS) as [OptionName, OptionRow][];
  for (const [group, title] of Object.entries(OPTION_GROUPS)) {
    const own = rows.filter(([, row]) => row.group === group);
    if (own.length === 0) continue;
    lines.push(
      "",
      `## ${title}`,
      "",
      "| option | environment | default | meaning |",
      "| --- | --- | --- | --- |",
    );
    for (const [name, row] of own) {
      const variables = [environmentName(name), ...(row.envAliases ?? [])].map(code).join(", ");
      const flag = row.kind === "secret" ? "(secret)" : code(flagText(name));
      const without =
        row.without === undefined
          ? ""
          : ` With the flag: ${row.without.charAt(0).toLowerCase()}${row.without.slice(1)}`;
      const choices = row.choices === undefined ? "" : ` One of ${row.choices.map(code).join(", ")}.`;
      lines.push(
        `| ${cell(flag)} | ${variables} | ${cell(defaultOf(row))} | ${cell(row.help)}${cell(without)}${cell(choices)} |`,
      );
    }
  }
  return page(lines);
}

function defaultOf(row: OptionRow): string {
  if (row.kind === "flag") return row.default === true ? "on" : "off";
  const text = defaultText(row);
  return text === null ? "–" : code(text);
}

function errorsPage(): string {
  return page([
    "# Errors and exit codes",
    MADE,
    "",
    "Every error velostream raises on purpose has a code; its message says what happened, where, and what to do.",
    "The API answers with the same codes as `application/problem+json`. Source: `src/errors.ts`.",
    "",
    "| exit code | when |",
    "| --- | --- |",
    `| ${EXIT.done} | done, or drained after the first Ctrl-C |`,
    `| ${EXIT.usage} | the command line cannot be understood |`,
    `| ${EXIT.unavailable} | feed, broker, Spark or disk unavailable |`,
    `| ${EXIT.bug} | a bug: please report it |`,
    `| ${EXIT.configuration} | a setting, or a file it names, is wrong |`,
    `| ${EXIT.interrupted} | second Ctrl-C |`,
    "",
    "| code | exit code | worth retrying | meaning |",
    "| --- | --- | --- | --- |",
    ...Object.entries<ErrorRow>(ERRORS).map(
      ([name, row]) =>
        `| ${code(name)} | ${row.exitCode} | ${row.retryable ? "yes" : "no"} | ${cell(row.meaning)} |`,
    ),
  ]);
}

function metricsPage(): string {
  return page([
    "# Metrics",
    MADE,
    "",
    "Served at `/metrics` in Prometheus format, beside Node's own (`nodejs_…`, `process_…`). Labels are bounded: never a",
    "station or an area. Source: `src/telemetry/metric-table.ts`.",
    "",
    "| metric | kind | labels | meaning |",
    "| --- | --- | --- | --- |",
    ...Object.entries<MetricRow>(METRICS).map(
      ([name, row]) =>
        `| ${code(name)} | ${row.kind} | ${row.labels.map(code).join(", ") || "–"} | ${cell(row.help)} |`,
    ),
  ]);
}

async function cliPage(): Promise<string> {
  const lines = ["# Commands", MADE, "", "```text", overview(COMMANDS).trimEnd(), "```"];
  for (const { name, load } of COMMANDS) {
    lines.push("", `## velostream ${name}`, "", "```text", commandHelp(name, await load()).trimEnd(), "```");
  }
  return page(lines);
}

function code(text: string): string {
  return `\`${text}\``;
}

/** `|` would end a table's cell. */
function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function page(lines: readonly string[]): string {
  return `${lines.join("\n")}\n`;
}
