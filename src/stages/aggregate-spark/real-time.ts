/** Whether a server can run the totals query in Spark's real-time mode. */
import { ConfigError } from "../../errors.ts";
import type { SparkAddress } from "../../spark/address.ts";

/** 4.1 and 4.2 have the mode, but only for queries without an aggregate. */
const LEAST = { major: 4, minor: 3 };

/** @throws ConfigError unless `version` can */
export function requireRealTime({ label }: SparkAddress, version: string): void {
  const [major = 0, minor = 0] = version.split(".").map((part) => Number.parseInt(part, 10));
  if (major > LEAST.major || (major === LEAST.major && minor >= LEAST.minor)) return;
  throw new ConfigError(
    `Spark at ${label} is ${version}; its real-time mode computes totals from ${LEAST.major}.${LEAST.minor} on. Leave --spark-real-time out.`,
  );
}
