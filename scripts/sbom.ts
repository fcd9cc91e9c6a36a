/** Writes what the program is made of as CycloneDX: `npm run sbom`, into artifacts/sbom.cdx.json. Tools of development are left out. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import packageJson from "../package.json" with { type: "json" };

const PATH = "artifacts/sbom.cdx.json";

interface Component {
  readonly name: string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}

interface Bom {
  readonly metadata: { readonly component: { name: string } };
  components: readonly Component[];
}

const text = execFileSync("npm", ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application"], {
  encoding: "utf8",
  maxBuffer: 64 * 1024 * 1024,
});
const bom = JSON.parse(text) as Bom;
// npm names it after the folder.
bom.metadata.component.name = packageJson.name;
// npm's own --omit dev leaves out what the program and a tool of development share (zod, yaml).
const isTool = ({ properties = [] }: Component): boolean =>
  properties.some(({ name, value }) => name === "cdx:npm:package:development" && value === "true");
bom.components = bom.components.filter((component) => !isTool(component));
const names = new Set(bom.components.map(({ name }) => name));
const missing = Object.keys(packageJson.dependencies).filter(
  (name) => !names.has(name.split("/").at(-1) ?? name) && !names.has(name),
);
if (missing.length > 0) {
  console.error(`Not in the list: ${missing.join(", ")}. Run "npm ci" first.`);
  process.exit(1);
}
mkdirSync("artifacts", { recursive: true });
writeFileSync(PATH, `${JSON.stringify(bom, null, 2)}\n`);
console.log(`${PATH}: ${bom.components.length} components.`);
