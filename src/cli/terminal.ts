/** The terminal a command talks to: data on stdout, everything else on stderr, colour only where it is welcome. */
import { styleText } from "node:util";
import type { WriteStream } from "node:tty";

type Style = Parameters<typeof styleText>[0];

export interface Terminal {
  /** Data. Waits while the reader is slow; resolves at once when it is gone. */
  out(text: string): Promise<void>;
  /** Everything else, whole lines. */
  err(text: string): void;
  /** True when stdout is a terminal. */
  readonly interactive: boolean;
  /** True when stderr is a terminal. */
  readonly errInteractive: boolean;
  readonly columns: number;
  readonly rows: number;
  /** Colours `text` for stdout when that is welcome (NO_COLOR, FORCE_COLOR, TERM=dumb, TTY). */
  style(style: Style, text: string): string;
  /** The same for stderr. */
  errStyle(style: Style, text: string): string;
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
    out: async (text) => {
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
    },
    err: (text) => {
      if (intercept === null) stderr.write(text);
      else intercept(text);
    },
    style: (style, text) => (colour ? styleText(style, text, { validateStream: false }) : text),
    errStyle: (style, text) => (errColour ? styleText(style, text, { validateStream: false }) : text),
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
