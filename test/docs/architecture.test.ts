/** The page's table of folders is the truth about who imports whom, and the linter holds it. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { arrowFiles, foldersOfSource, folderTable, refusedBy } from "../../scripts/import-arrows.ts";

const rows = folderTable(readFileSync("docs/architecture.md", "utf8"));

test("every folder of src/ has one row, and every row a folder", () => {
  assert.deepEqual(
    rows.map(({ folder }) => folder).toSorted(),
    foldersOfSource().toSorted(),
    "edit the table of folders in docs/architecture.md, then run `npm run docs`",
  );
  for (const { folder, imports } of rows)
    for (const each of imports) assert.ok(existsSync(`src/${each}`), `${folder} imports ${each}`);
});

test("the linter's rules are made from the table", () => {
  for (const [path, content] of arrowFiles())
    assert.deepEqual(
      JSON.parse(readFileSync(path, "utf8")),
      JSON.parse(content),
      "run `npm run docs`, `npm run format`, and commit the result",
    );
  const { extends: files } = JSON.parse(readFileSync(".oxlintrc.json", "utf8")) as { extends: string[] };
  assert.deepEqual(files, ["./scripts/import-arrows.json"]);
});

test("an arrow that the table does not have is refused, at any depth; those it has are not", () => {
  const refuses = (folder: string, path: string): boolean => {
    const row = rows.find((each) => each.folder === folder);
    assert.ok(row !== undefined, folder);
    const refused = refusedBy(row, rows);
    return refused !== "" && new RegExp(refused).test(path);
  };
  for (const [folder, path] of [
    ["record", "../domain/areas.ts"],
    ["record", "node:fs"],
    ["record", "../errors.ts"],
    ["domain", "../../feed/turns.ts"],
    ["domain", "../ports.ts"],
    ["spark", "../record/keys.ts"],
    ["spark", "../log-ports.ts"],
    ["log", "../../feed/turns.ts"],
    ["history", "../../http/server.ts"],
    ["stages", "../../cli/help.ts"],
  ] as const)
    assert.ok(refuses(folder, path), `${folder} imports ${path}`);
  for (const [folder, path] of [
    ["record", "./keys.ts"],
    ["domain", "../../record/keys.ts"],
    ["spark", "@bufbuild/protobuf"],
    ["log", "../../ports.ts"],
    ["http", "../history-gate.ts"],
    ["cli", "../http/serve.ts"],
  ] as const)
    assert.ok(!refuses(folder, path), `${folder} may not import ${path}`);
});
