/** The one place that looks at the process's own argv and environment. */

export function readProcess(): {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
} {
  return { args: process.argv.slice(2), env: process.env };
}
