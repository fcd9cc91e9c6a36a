/**
 * Makes what a release is, in artifacts/release: the package as `npm install` takes it, its SHA-256 and what it is made of
 * (CycloneDX): `npm run release`. Packed from a folder of its own, whose package.json has no scripts: npm would warn whoever
 * installs the file of the one that builds the page in a checkout.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };

const ROOT = join(import.meta.dirname, "..");
const RELEASE = join(ROOT, "artifacts/release");
const STAGE = join(RELEASE, "package");
const NAME = `velostream-${packageJson.version}`;

const run = (command: string, args: readonly string[], cwd = ROOT): void => {
  // stdout is for the paths of what was made.
  execFileSync(command, args, { cwd, stdio: ["ignore", process.stderr, process.stderr] });
};

rmSync(RELEASE, { recursive: true, force: true });
mkdirSync(STAGE, { recursive: true });
run(process.execPath, ["scripts/build-package.ts"]);
for (const path of [...packageJson.files, "README.md", "LICENSE"])
  cpSync(join(ROOT, path), join(STAGE, path), { recursive: true });
const ofTheCheckout = new Set(["scripts", "devDependencies", "allowScripts"]);
const published = Object.fromEntries(
  Object.entries(packageJson).filter(([name]) => !ofTheCheckout.has(name)),
);
writeFileSync(join(STAGE, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
run("npm", ["pack", "--silent", "--pack-destination", RELEASE], STAGE);
rmSync(STAGE, { recursive: true });

const tarball = `${NAME}.tgz`;
const digest = createHash("sha256")
  .update(readFileSync(join(RELEASE, tarball)))
  .digest("hex");
// The form that `sha256sum --check` reads.
writeFileSync(join(RELEASE, `${tarball}.sha256`), `${digest}  ${tarball}\n`);
run(process.execPath, ["scripts/sbom.ts"]);
renameSync(join(ROOT, "artifacts/sbom.cdx.json"), join(RELEASE, `${NAME}.cdx.json`));
for (const name of [tarball, `${tarball}.sha256`, `${NAME}.cdx.json`])
  console.log(join("artifacts/release", name));
