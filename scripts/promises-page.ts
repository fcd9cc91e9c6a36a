/** The page of promises: what is broken on purpose for each invariant, and the tests that must notice. */
import { BREAKAGES, PROMISES } from "../test/mutation/breakages.ts";

/** Path in the repository → content. */
export function promisesPages(): ReadonlyMap<string, string> {
  return new Map([["docs/promises.md", page()]]);
}

function page(): string {
  const lines = [
    "# Promises, and what holds them",
    "<!-- Made by `npm run docs` from test/mutation/breakages.ts; edit that, not this page. -->",
    "",
    "Every [invariant](contracts.md#invariants) is broken on purpose, one line of the source at a time, and the tests named",
    "beside it must notice. `npm run test:invariants` does it, in CI too: it fails when a breakage passes, and when the line",
    "that it changes is no longer there. A test is named by the end of its path in `test/`.",
    "",
    "Whole files are mutated by command, with Stryker: `npm run mutate -- --mutate src/domain/slots.ts` prints the share of",
    "mutants that the tests notice, and the ones that live on; [mutants](mutants.md) says why some may.",
  ];
  for (const [number, promise] of Object.entries(PROMISES)) {
    lines.push(
      "",
      `## ${number}: ${promise}`,
      "",
      "| what would go wrong | where | noticed by |",
      "| --- | --- | --- |",
    );
    for (const { wrong, file, tests } of BREAKAGES.filter(({ invariant }) => invariant === Number(number)))
      lines.push(`| ${wrong} | \`${file}\` | ${tests.map((test) => `\`${test}\``).join(", ")} |`);
  }
  return `${lines.join("\n")}\n`;
}
