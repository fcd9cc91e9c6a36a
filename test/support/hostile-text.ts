/** Text as an attacker writes it, and streams that remember what would reach a terminal. */
import { Writable } from "node:stream";

/** Each would do something on a terminal, or deceive whoever reads it. */
export const ATTACKS = {
  title: "\u001B]0;owned\u0007",
  clipboard: "\u001B]52;c;ZXZpbA==\u001B\\",
  link: "\u001B]8;;http://evil.example\u001B\\click\u001B]8;;\u001B\\",
  colour: "\u001B[31m",
  erase: "\u001B[2J\u001B[H",
  c1: "\u009B31m\u009D0;owned\u009C\u0090q\u009C",
  half: "\u001B[",
  bare: "\u001B\u0007\u0008\u007F\u0000",
  direction: "\u202Etxt.exe\u202C\u2066x\u2069\u200F\u061C",
  hidden: "\u200B\u200D\u2060\uFEFF\u00AD\u{E0041}",
  lines: "\nerror: all is lost\r\nok   feed\u2028x\u0085y",
  separators: "\t\u000B\u000C",
} as const;

export const HOSTILE = `Zone${Object.values(ATTACKS).join("")}1`;

/** What must never reach a terminal: any control but line feed and tab, any format character, any separator of lines. */
export const NOT_PLAIN = /[\p{Cf}\p{Zl}\p{Zp}]|(?![\n\t])\p{Cc}/u;

/** What a program that colours may write: exactly these are taken away before {@link NOT_PLAIN} looks. */
// oxlint-disable-next-line no-control-regex
export const OWN_SEQUENCES = /\u001B\[(?:\d{1,2}m|1G|\d+A|0J)/g;

export interface Streams {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly written: () => string;
}

/** stdout and stderr as a terminal or as pipes. */
export function rememberingStreams(isTTY: boolean): Streams {
  let written = "";
  const stream = (): NodeJS.WriteStream =>
    Object.assign(
      new Writable({
        write: (chunk: Buffer, _encoding, done) => {
          written += chunk.toString("utf8");
          done();
        },
      }),
      { isTTY, columns: 200, rows: 50 },
    ) as unknown as NodeJS.WriteStream;
  return { stdout: stream(), stderr: stream(), written: () => written };
}
