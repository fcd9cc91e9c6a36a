/**
 * The linter's rules on which folder of src/ may import which, made from the table of docs/architecture.md.
 * `npm run docs` writes them to scripts/import-arrows.json, which .oxlintrc.json extends; a test compares.
 */
import { readdirSync, readFileSync } from "node:fs";

/** The files that stand in src/ itself and may be imported: the errors and the interfaces. */
const ROOT_FILES = "errors.ts, ports";
/** Whose types the files of interfaces may name. */
const FOR_INTERFACES = ["record", "domain", "telemetry"];

export interface FolderRow {
  readonly folder: string;
  /** Folders of src/ whose files it may import, beside its own. */
  readonly imports: readonly string[];
  /** It may import `errors.ts` and the files of interfaces, `*ports.ts`. */
  readonly importsPorts: boolean;
  /** It may import packages and Node's own modules. */
  readonly importsPackages: boolean;
}

/** The table "Folders" of the page. */
export function folderTable(page: string): readonly FolderRow[] {
  return [...page.matchAll(/^\| `src\/([a-z-]+)\/` \| ([^|]+) \| ([^|]+) \|$/gm)].map(
    ([, folder = "", arrows = "", what = ""]) => ({
      folder,
      imports: [...arrows.matchAll(/`([a-z-]+)`/g)].map(([, name = ""]) => name),
      importsPorts: arrows.includes(ROOT_FILES),
      importsPackages: !what.startsWith("pure:"),
    }),
  );
}

export function foldersOfSource(): readonly string[] {
  return readdirSync("src", { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
}

/** The linter's configuration that refuses every import which the table does not allow. */
export function arrowRules(rows: readonly FolderRow[]): object {
  return {
    overrides: [
      refusing(
        "src/*ports.ts",
        refusedFolders(rows, FOR_INTERFACES),
        "Interfaces name only types of record/, domain/ and the metrics.",
      ),
      ...rows.map((row) =>
        refusing(
          `src/${row.folder}/**`,
          refusedBy(row, rows),
          `${row.folder}/ must not import this: see the table of folders in docs/architecture.md.`,
        ),
      ),
    ].filter((override) => override !== null),
  };
}

function refusing(files: string, regex: string, message: string): object | null {
  if (regex === "") return null;
  return {
    files: [files],
    rules: { "no-restricted-imports": ["error", { patterns: [{ regex, message }] }] },
  };
}

/** A regular expression over the text of an import; empty where everything is allowed. */
export function refusedBy(row: FolderRow, rows: readonly FolderRow[]): string {
  return [
    refusedFolders(rows, [row.folder, ...row.imports]),
    row.importsPorts ? "" : "^(\\.\\./)+(errors|[a-z-]*ports)\\.ts$",
    row.importsPackages ? "" : "^[^.]",
  ]
    .filter((part) => part !== "")
    .join("|");
}

function refusedFolders(rows: readonly FolderRow[], allowed: readonly string[]): string {
  const folders = rows.map(({ folder }) => folder).filter((folder) => !allowed.includes(folder));
  return folders.length === 0 ? "" : `^(\\./|(\\.\\./)+)(${folders.join("|")})/`;
}

/** Path in the repository → content. */
export function arrowFiles(): ReadonlyMap<string, string> {
  const rows = folderTable(readFileSync("docs/architecture.md", "utf8"));
  return new Map([["scripts/import-arrows.json", `${JSON.stringify(arrowRules(rows), null, 2)}\n`]]);
}
