/** The Logger port over pino: NDJSON for machines, one coloured line for people; secrets redacted, text made plain. */
import { pino, stdSerializers, type Level } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Logger } from "../ports.ts";
import { escapeJson, plainText, plainValue } from "./plain-text.ts";
import { redactValue } from "./redact.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `pretty` for a terminal, `json` for everything else. */
  readonly format: "json" | "pretty";
  /** Colours a part of a line, where that is welcome; told only of what is plain already. */
  readonly style: (style: "red" | "yellow" | "green" | "blue" | "cyan", text: string) => string;
  /** Receives whole lines, newline included (stderr, or above a live table). */
  readonly write: (line: string) => void;
}

/** Field names whose values never leave the process, whoever logs them. */
const SECRET_FIELDS = ["password", "token", "secret", "authorization", "passphrase"].flatMap((name) => [
  name,
  `*.${name}`,
]);

const LEVEL_STYLES = { error: "red", warn: "yellow", info: "green", debug: "blue" } as const;

/** One line for people. The values are made plain before anything is styled: colours are the only sequences in it. */
function prettyLines({ style }: LoggerOptions): (line: string) => string {
  const pretty = prettyFactory({
    colorize: false,
    translateTime: "SYS:HH:MM:ss",
    ignore: "pid,hostname,event",
    singleLine: true,
    messageFormat: (log, key) => style("cyan", plainText(textOf(log[key]))),
    customPrettifiers: {
      level: (label) => {
        const level = textOf(label);
        return style(LEVEL_STYLES[level as keyof typeof LEVEL_STYLES] ?? "red", level.toUpperCase());
      },
    },
  });
  return (line) => pretty(plainValue(JSON.parse(line)));
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

export function createLogger(options: LoggerOptions): Logger {
  const format = options.format === "pretty" ? prettyLines(options) : escapeJson;
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRET_FIELDS, censor: "[redacted]" },
      serializers: { err: stdSerializers.err },
    },
    {
      write: (line: string) => {
        // Value by value: what is left out of a text must not break the line that carries it.
        options.write(format(`${JSON.stringify(redactValue(JSON.parse(line)))}\n`));
      },
    },
  );
  const at =
    (level: Level) =>
    (event: string, message: string, fields: Readonly<Record<string, unknown>> = {}): void =>
      log[level]({ event, ...fields }, message);
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** A logger that says nothing: for tests and for commands that are asked to be quiet. */
export const SILENT: Logger = { debug() {}, info() {}, warn() {}, error() {} };
