/** Writes the reference pages, what is made from measurements, and the linter's arrows (`npm run docs`). */
import { writeFileSync } from "node:fs";
import { arrowFiles } from "./import-arrows.ts";
import { fieldPages } from "./field-tables.ts";
import { performancePages } from "./performance-page.ts";
import { promisesPages } from "./promises-page.ts";
import { referencePages } from "./reference-pages.ts";

for (const [path, content] of [
  ...(await referencePages()),
  ...fieldPages(),
  ...performancePages(),
  ...promisesPages(),
  ...arrowFiles(),
]) {
  writeFileSync(new URL(`../${path}`, import.meta.url), content);
  console.error(`wrote ${path}`);
}
