/** The Logger port over pino: NDJSON for machines, one coloured line for people; secrets redacted. */
import { pino, stdSerializers, type Level } from "pino";
import { prettyFactory } from "pino-pretty";
import type { Logger } from "../ports.ts";
import { redactText } from "./redact.ts";

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `pretty` for a terminal, `json` for everything else. */
  readonly format: "json" | "pretty";
  readonly colour: boolean;
  /** Receives whole lines, newline included (stderr, or above a live table). */
  readonly write: (line: string) => void;
}

/** Field names whose values never leave the process, whoever logs them. */
const SECRET_FIELDS = ["password", "token", "secret", "authorization", "passphrase"].flatMap((name) => [
  name,
  `*.${name}`,
]);

export function createLogger(options: LoggerOptions): Logger {
  const pretty =
    options.format === "pretty"
      ? prettyFactory({
          colorize: options.colour,
          translateTime: "SYS:HH:MM:ss",
          ignore: "pid,hostname,event",
          singleLine: true,
        })
      : null;
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
        const safe = redactText(line);
        options.write(pretty === null ? safe : pretty(safe));
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
