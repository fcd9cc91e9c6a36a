/**
 * The promises of docs/contracts.md and how to break each: every row changes one line of the source, and the tests it
 * names must notice. scripts/break-rules.ts runs them; a row whose line is no longer there fails too.
 */

export interface Breakage {
  /** Number of the invariant in docs/contracts.md. */
  readonly invariant: number;
  /** What the program would do wrong, in words. */
  readonly wrong: string;
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
  /** At least one of them must fail. */
  readonly tests: readonly string[];
}

export const BREAKAGES: readonly Breakage[] = [
  {
    invariant: 4,
    wrong: "retires a station after one poll without it",
    file: "src/domain/collection.ts",
    find: "const RETIRE_AFTER_POLLS = 3;",
    replace: "const RETIRE_AFTER_POLLS = 1;",
    tests: ["test/unit/collect.test.ts", "test/property/collection.test.ts"],
  },
];
