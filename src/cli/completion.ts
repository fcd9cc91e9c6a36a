/** `velostream completion SHELL`: the shell's own completion script, made from the tables of commands and options. */
import { COMMON_OPTIONS, OPTIONS, type OptionName, type OptionRow } from "../config/options.ts";
import { EXIT, UsageError } from "../errors.ts";
import type { Command, CommandContext } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { flagText } from "./help.ts";

const SHELLS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

export const completion: Command = {
  usage: `SHELL [options]`,
  description:
    "Prints what makes a shell complete velostream's commands, options and their choices with the Tab key: bash, zsh or fish.",
  examples: [
    {
      command: "velostream completion bash > ~/.local/share/bash-completion/completions/velostream",
      does: "bash, from the next shell on",
    },
    { command: 'velostream completion zsh > "${fpath[1]}/_velostream"', does: "zsh, from the next shell on" },
    {
      command: "velostream completion fish > ~/.config/fish/completions/velostream.fish",
      does: "fish, at once",
    },
  ],
  options: [],
  positionals: [1, 1],
  run,
};

/** What can be completed behind a command. */
export interface Completable {
  /** `topics create` */
  readonly name: string;
  readonly summary: string;
  readonly options: readonly CompletableOption[];
}

interface CompletableOption {
  /** `--from` */
  readonly flag: string;
  readonly help: string;
  readonly takesValue: boolean;
  readonly isFile: boolean;
  readonly choices: readonly string[];
}

async function run({ positionals, terminal }: CommandContext): Promise<number> {
  const [shell = ""] = positionals;
  if (!Object.hasOwn(SHELLS, shell))
    throw new UsageError(
      `There is no completion for ${JSON.stringify(shell)}. Choose one of ${Object.keys(SHELLS).join(", ")}.`,
    );
  await terminal.out(SHELLS[shell as keyof typeof SHELLS](await completables()));
  return EXIT.done;
}

/** Every command with its options, as their tables have them. */
async function completables(): Promise<readonly Completable[]> {
  return Promise.all(
    COMMANDS.map(async ({ name, summary, load }) => {
      const { options } = await load();
      const flags = [...new Set<OptionName>([...options, ...COMMON_OPTIONS])];
      return { name, summary, options: flags.flatMap(optionOf) };
    }),
  );
}

function optionOf(name: OptionName): readonly CompletableOption[] {
  const row: OptionRow = OPTIONS[name];
  // A secret has no flag.
  if (row.kind === "secret") return [];
  const [flag = ""] = flagText(name).split(" ");
  const isFile = /FILE|DIR/.test(row.metavar ?? "");
  return [{ flag, help: row.help, takesValue: row.kind !== "flag", isFile, choices: row.choices ?? [] }];
}

const words = (texts: readonly string[]): string => texts.join(" ");

/** Words that may follow `prefix` in the names of commands: `history` → `area station …`. */
function nextWords(commands: readonly Completable[], prefix: string): string[] {
  const start = prefix === "" ? "" : `${prefix} `;
  const rest = commands
    .filter(({ name }) => name.startsWith(start))
    .map(({ name }) => name.slice(start.length));
  return [...new Set(rest.map((name) => name.split(" ")[0] ?? ""))];
}

function families(commands: readonly Completable[]): string[] {
  return nextWords(commands, "").filter((word) => !commands.some(({ name }) => name === word));
}

function bashScript(commands: readonly Completable[]): string {
  const family = families(commands);
  const choices = new Map(
    commands.flatMap(({ options }) =>
      options.flatMap((option) =>
        option.choices.length === 0 ? [] : [[option.flag, option.choices] as const],
      ),
    ),
  );
  const files = new Set(
    commands.flatMap(({ options }) => options.filter(({ isFile }) => isFile).map(({ flag }) => flag)),
  );
  return `# bash completion for velostream, made by "velostream completion bash"
_velostream() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD-1]}" command="\${COMP_WORDS[1]}"
  COMPREPLY=()
  case "$prev" in
${[...choices].map(([flag, values]) => `    ${flag}) COMPREPLY=($(compgen -W "${words(values)}" -- "$cur")); return;;`).join("\n")}
    ${[...files].join("|")}) COMPREPLY=($(compgen -f -- "$cur")); return;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${words(nextWords(commands, ""))} --help --version" -- "$cur")); return
  fi
  case "$command" in
${family.map((word) => `    ${word}) [ "$COMP_CWORD" -eq 2 ] && { COMPREPLY=($(compgen -W "${words(nextWords(commands, word))} --help" -- "$cur")); return; }; command="${word} \${COMP_WORDS[2]}";;`).join("\n")}
  esac
  case "$command" in
${commands.map(({ name, options }) => `    "${name}") COMPREPLY=($(compgen -W "${words(options.map(({ flag }) => flag))} --help" -- "$cur"));;`).join("\n")}
  esac
}
complete -o default -F _velostream velostream
`;
}

/** Inside single quotes of zsh and fish. */
const quoted = (text: string): string => `'${text.replaceAll("'", "’")}'`;
/** A description in an argument of _arguments: brackets and colons end it. */
const described = (text: string): string => text.replaceAll(/[[\]:\\]/g, " ").replaceAll("'", "’");

function zshScript(commands: readonly Completable[]): string {
  const spec = (option: CompletableOption): string => {
    const value = option.choices.length > 0 ? `(${words(option.choices)})` : option.isFile ? "_files" : " ";
    return `'${option.flag}[${described(option.help)}]${option.takesValue ? `:value:${value}` : ""}'`;
  };
  return `#compdef velostream
# zsh completion for velostream, made by "velostream completion zsh"
_velostream() {
  local command="\${words[2]}"
  if (( CURRENT == 2 )); then
    _values command ${nextWords(commands, "").map(quoted).join(" ")}; return
  fi
  case "$command" in
${families(commands)
  .map(
    (word) =>
      `    ${word}) if (( CURRENT == 3 )); then _values command ${nextWords(commands, word).map(quoted).join(" ")}; return; fi; command="${word} \${words[3]}";;`,
  )
  .join("\n")}
  esac
  case "$command" in
${commands.map(({ name, options }) => `    ${quoted(name)}) _arguments ${options.map(spec).join(" ")} '--help[This text]' '*:file:_files';;`).join("\n")}
  esac
}
_velostream "$@"
`;
}

function fishScript(commands: readonly Completable[]): string {
  const lines = [
    '# fish completion for velostream, made by "velostream completion fish"',
    "complete -c velostream -f",
  ];
  const first = nextWords(commands, "");
  for (const word of first) {
    const summary = commands.find(({ name }) => name === word)?.summary ?? "";
    lines.push(`complete -c velostream -n __fish_use_subcommand -a ${word} -d ${quoted(summary)}`);
  }
  for (const word of families(commands))
    for (const next of nextWords(commands, word)) {
      const { summary = "" } = commands.find(({ name }) => name === `${word} ${next}`) ?? {};
      const condition = `__fish_seen_subcommand_from ${word}; and not __fish_seen_subcommand_from ${words(nextWords(commands, word))}`;
      lines.push(`complete -c velostream -n ${quoted(condition)} -a ${next} -d ${quoted(summary)}`);
    }
  for (const { name, options } of commands) {
    const condition = quoted(
      name
        .split(" ")
        .map((word) => `__fish_seen_subcommand_from ${word}`)
        .join("; and "),
    );
    for (const { flag, help, takesValue, isFile, choices } of options) {
      const value = takesValue
        ? choices.length > 0
          ? ` -x -a ${quoted(words(choices))}`
          : isFile
            ? " -r -F"
            : " -x"
        : "";
      lines.push(`complete -c velostream -n ${condition} -l ${flag.slice(2)}${value} -d ${quoted(help)}`);
    }
  }
  return `${lines.join("\n")}\n`;
}
