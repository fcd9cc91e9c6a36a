/** The version of this program: package.json stands beside both src/ and dist/. */
import { readFileSync } from "node:fs";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  readonly version: string;
};

export const PACKAGE_VERSION = version;
