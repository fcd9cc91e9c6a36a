/** SECURITY.md's caps are the code's: a number that is changed in one place only fails here. */
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { OPTIONS } from "../../src/config/options.ts";
import { HTTP_LIMITS } from "../../src/feed/http-limits.ts";
import { HISTORY_LIMITS } from "../../src/http/history-gate.ts";
import { LIMITS } from "../../src/http/security.ts";
import { MOST_UNFOLDED_BYTES } from "../../src/log/kafka/decompress.ts";

const TEXT = readFileSync(new URL("../../SECURITY.md", import.meta.url), "utf8");
const MIB = 1024 * 1024;

const CAPS: Readonly<Record<string, string>> = {
  "time for a request's headers": `${LIMITS.headersTimeoutMs / 1_000} s`,
  "time for a whole request": `${LIMITS.requestTimeoutMs / 1_000} s`,
  "time on a connection without a byte": `${LIMITS.idleTimeoutMs / 1_000} s`,
  "a request's headers": `${LIMITS.maxHeaderBytes} bytes`,
  "a request's body": `${LIMITS.bodyBytes} bytes`,
  "an area or station in an address": `${LIMITS.pathPartLength} characters`,
  "API requests of one address (IPv4, or /64 of IPv6) in a minute": `${OPTIONS["rate-limit"].default} (\`--rate-limit\`)`,
  "event streams": `${OPTIONS["max-streams"].default} (\`--max-streams\`)`,
  "event streams of one address": `${OPTIONS["max-streams-per-address"].default} (\`--max-streams-per-address\`)`,
  "connections beside the streams": String(LIMITS.otherConnections),
  "connections of one address beside its streams": String(LIMITS.otherConnectionsOfClient),
  "history questions at a time": String(HISTORY_LIMITS.running),
  "clients that wait for their turn to ask": `${HISTORY_LIMITS.waiting}, for ${HISTORY_LIMITS.waitMs / 1_000} s`,
  "one history question": `${HISTORY_LIMITS.questionMs / 1_000} s`,
  "a feed's body as transferred": `${HTTP_LIMITS.compressedBytes / MIB} MiB`,
  "a feed's body decompressed": `${HTTP_LIMITS.decompressedBytes / MIB} MiB`,
  "of both, for a server that was not typed": `${HTTP_LIMITS.strangerShare * 100} %`,
  "feeds' bodies at a time, as text or parsed, beside the oldest": `${HTTP_LIMITS.heldBytes / MIB} MiB`,
  "one feed's body, parsed": `about ${HTTP_LIMITS.parsedBytes / MIB} MiB`,
  "what feeds keep of files above 1 MiB, together": `about ${HTTP_LIMITS.keptBytes / MIB} MiB`,
  "stations of systems above 10000, together": String(HTTP_LIMITS.stations),
  redirects: String(HTTP_LIMITS.redirects),
  "one poll of one file": `${HTTP_LIMITS.totalMs / 1_000} s`,
  "a record batch decompressed": `${MOST_UNFOLDED_BYTES / MIB} MiB`,
};

test("every cap of SECURITY.md is the code's, and every one here is in it", () => {
  const section = TEXT.slice(TEXT.indexOf("## Caps"), TEXT.indexOf("## Node's"));
  const rows = [...section.matchAll(/^\| (.+?) \| (.+?) \|$/gm)]
    .map(([, what = "", most = ""]) => [what, most] as const)
    .filter(([what]) => what !== "what" && what !== "---");
  assert.deepEqual(Object.fromEntries(rows), CAPS);
});

test("the tests that SECURITY.md names are there", () => {
  for (const [, path = ""] of TEXT.matchAll(/`((?:src|test)\/[\w./-]+\.ts)`/g))
    assert.ok(existsSync(new URL(`../../${path}`, import.meta.url)), path);
});
