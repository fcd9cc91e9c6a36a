/** Files of the project by the end of their path: a row of breakages.ts survives its file's move to another folder. */
import { globSync } from "node:fs";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PATHS = globSync("{src,test}/**/*.ts", { cwd: ROOT });

/** The one path below `folder` that ends so; null when there is none, or more than one. */
export function findFile(folder: "src" | "test", end: string): string | null {
  const found = PATHS.filter((path) => path.startsWith(`${folder}/`) && path.endsWith(`/${end}`));
  return found.length === 1 ? (found[0] ?? null) : null;
}
