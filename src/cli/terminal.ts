/**
 * The terminal a command talks to: data on stdout, everything else on stderr, colour only where it is welcome. What is
 * written here only shows: whatever a stranger's text holds, the sequences that reach a terminal are this file's own.
 *
 *   text ─▶ style ──────────▶ out, err ─▶ all that is not plain taken away, our own marks made sequences ─▶ stream
 *            └ our own marks, which nobody outside this process can write
 */
import { randomBytes } from "node:crypto";
import { inspect, type styleText } from "node:util";
import type { WriteStream } from "node:tty";
import { escapeJson, plainLines, plainText } from "../telemetry/plain-text.ts";

type Style = Extract<Parameters<typeof styleText>[0], string>;

export interface Terminal {
  /** Text for people. Waits while the reader is slow; resolves at once when it is gone. */
  out(text: string): Promise<void>;
  /** Whole lines of JSON: what must not reach a terminal is escaped, so that the value stays what it is. */
  json(lines: string): Promise<void>;
  /** Data exactly as it is; on a terminal as plain as everything else. */
  raw(text: string): Promise<void>;
  /** Everything else: one message. Its further lines are indented, so that none passes for a message of its own. */
  err(text: string): void;
  /** True when stdout is a terminal. */
  readonly interactive: boolean;
  /** True when stderr is a terminal. */
  readonly errInteractive: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Colours one line of text for stdout when that is welcome (NO_COLOR, FORCE_COLOR, TERM=dumb, TTY). */
  style(style: Style, text: string): string;
  /** The same for stderr. */
  errStyle(style: Style, text: string): string;
  /** For {@link out}: takes the last lines off the screen again. */
  erased(lines: number): string;
  readonly colour: boolean;
  readonly errColour: boolean;
  /** Everything written so far has been handed to the system. */
  flush(): Promise<void>;
  /** Lets a live display own the lines of stderr while it runs; null gives them back. */
  interceptErr(write: ((text: string) => void) | null): void;
}

export interface TerminalOptions {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Called once when the reader of stdout has gone (`| head -1`). */
  readonly onClosed: () => void;
}

/** Written as parameters of a control sequence, so that whoever measures a width takes marks for none. */
const SECRET = Array.from(randomBytes(24).toString("hex").matchAll(/.{3}/g), ([hex]) =>
  String(Number.parseInt(hex, 16)),
).join(";");
const OWN_MARK = new RegExp(`\u001B\\[${SECRET};(\\d+[mAGJ])`);

function mark(sequence: string): string {
  return `\u001B[${SECRET};${sequence}`;
}

/** Cleans all but our own marks with `clean`, and writes these with `write`. */
function aroundMarks(
  text: string,
  clean: (text: string) => string,
  write: (sequence: string) => string,
): string {
  return text
    .split(OWN_MARK)
    .map((part, index) => (index % 2 === 0 ? clean(part) : write(part)))
    .join("");
}

function onScreen(text: string): string {
  return aroundMarks(text, plainLines, (sequence) => `\u001B[${sequence}`);
}

/** The further lines of a message belong to it: they are indented. */
function oneMessage(text: string): string {
  return `${text.replace(/\n+$/, "").replaceAll("\n", "\n  ")}\n`;
}

function styled(style: Style, text: string): string {
  const [on, off] = inspect.colors[style] ?? [0, 0];
  return `${mark(`${on}m`)}${aroundMarks(text, plainText, mark)}${mark(`${off}m`)}`;
}

export function createTerminal({ stdout, stderr, env, onClosed }: TerminalOptions): Terminal {
  let closed = false;
  let intercept: ((text: string) => void) | null = null;
  stdout.on("error", (error: NodeJS.ErrnoException) => {
    // The reader of the pipe has what it wanted: not an error of ours.
    if (error.code !== "EPIPE") throw error;
    if (!closed) onClosed();
    closed = true;
  });
  stderr.on("error", () => {});
  const colour = wantsColour(stdout, env);
  const errColour = wantsColour(stderr, env);
  const write = async (text: string): Promise<void> => {
    if (closed || stdout.write(text)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        stdout.off("drain", done);
        stdout.off("error", done);
        stdout.off("close", done);
        resolve();
      };
      stdout.on("drain", done).on("error", done).on("close", done);
    });
  };
  return {
    interactive: stdout.isTTY,
    errInteractive: stderr.isTTY,
    get columns() {
      return stdout.columns ?? 80;
    },
    get rows() {
      return stdout.rows ?? 24;
    },
    colour,
    errColour,
    out: (text) => write(onScreen(text)),
    json: (lines) => write(escapeJson(lines)),
    raw: (text) => write(stdout.isTTY ? onScreen(text) : text),
    err: (text) => {
      const message = oneMessage(text);
      // A live display hands it to out(), above its own block.
      if (intercept === null) stderr.write(onScreen(message));
      else intercept(message);
    },
    style: (style, text) => (colour ? styled(style, text) : plainText(text)),
    errStyle: (style, text) => (errColour ? styled(style, text) : plainText(text)),
    erased: (lines) => (lines === 0 ? "" : `${mark("1G")}${mark(`${lines}A`)}${mark("0J")}`),
    flush: async () => {
      for (const stream of [stdout, stderr]) {
        if (stream === stdout && closed) continue;
        await new Promise<void>((resolve) => stream.write("", () => resolve()));
      }
    },
    interceptErr: (write) => {
      intercept = write;
    },
  };
}

function wantsColour(stream: WriteStream, env: TerminalOptions["env"]): boolean {
  if (env["NO_COLOR"] !== undefined && env["NO_COLOR"] !== "") return false;
  if (env["FORCE_COLOR"] !== undefined && env["FORCE_COLOR"] !== "0" && env["FORCE_COLOR"] !== "")
    return true;
  return stream.isTTY && env["TERM"] !== "dumb";
}
