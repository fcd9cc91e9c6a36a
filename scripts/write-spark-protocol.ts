/** `npm run spark:protocol`: makes src/spark/gen anew from src/spark/proto, with buf and protoc-gen-es. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const template = {
  version: "v2",
  clean: true,
  plugins: [
    {
      local: "node_modules/.bin/protoc-gen-es",
      out: "src/spark/gen",
      opt: ["target=ts", "import_extension=ts", "erasable_syntax=true"],
    },
  ],
};
const { status, error } = spawnSync(
  "node_modules/.bin/buf",
  ["generate", "src/spark/proto", "--template", JSON.stringify(template)],
  { cwd: root, stdio: "inherit" },
);
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
