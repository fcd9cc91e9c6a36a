/** Writes the reference pages, and what is made from measurements (`npm run docs`). */
import { writeFileSync } from "node:fs";
import { performancePages } from "./performance-page.ts";
import { referencePages } from "./reference-pages.ts";

for (const [path, content] of [...(await referencePages()), ...performancePages()]) {
  writeFileSync(new URL(`../${path}`, import.meta.url), content);
  console.error(`wrote ${path}`);
}
