/** Writes the reference pages (`npm run docs`). */
import { writeFileSync } from "node:fs";
import { referencePages } from "./reference-pages.ts";

for (const [path, content] of await referencePages()) {
  writeFileSync(new URL(`../${path}`, import.meta.url), content);
  console.error(`wrote ${path}`);
}
