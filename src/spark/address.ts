/** Where a Spark Connect server is: Spark's own connection string, `sc://host:port/;name=value;…`. */
import { isIPv4 } from "node:net";
import { SparkClientError } from "./spark-client-error.ts";

const DEFAULT_PORT = 15_002;

export interface SparkAddress {
  /** As to be shown: `sc://host:port`. */
  readonly label: string;
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** Whose sessions these are, for the server. */
  readonly userId: string;
}

/**
 * Reads a connection string. Parameters understood: `use_ssl`, `user_id`. A token in it is refused: strings like this
 * end in process lists and logs.
 * @throws SparkClientError
 */
export function parseSparkAddress(text: string): SparkAddress {
  const match = /^sc:\/\/(\[[0-9a-fA-F:]+\]|[^/:;?#@\s]+)(?::(\d{1,5}))?(?:\/(;.*)?)?$/.exec(text);
  const host = match?.[1];
  const port = match?.[2] === undefined ? DEFAULT_PORT : Number(match[2]);
  if (host === undefined || port < 1 || port > 65_535)
    throw new SparkClientError("address_malformed", `${redacted(text)} is not a Spark Connect address.`);
  let tls = false;
  let userId = "velostream";
  for (const pair of (match?.[3] ?? "").split(";").filter((part) => part !== "")) {
    const [name = "", value = ""] = pair.split("=", 2).map(decodeURIComponent);
    if (name === "use_ssl" && (value === "true" || value === "false")) tls = value === "true";
    else if (name === "user_id" && value !== "") userId = value;
    else if (name === "token")
      throw new SparkClientError("address_with_token", "The token must not stand in the address of Spark.");
    else
      throw new SparkClientError(
        "address_parameter",
        `The parameter ${name} in the address of Spark is not understood.`,
      );
  }
  return { label: `sc://${host}:${port}`, host, port, tls, userId };
}

/** Whether the server runs on this machine, so that a local folder is one folder for both. */
export function isLoopback({ host }: SparkAddress): boolean {
  return host === "localhost" || host === "[::1]" || (isIPv4(host) && host.startsWith("127."));
}

function redacted(text: string): string {
  return text.replace(/(token=)[^;]*/g, "$1…");
}
