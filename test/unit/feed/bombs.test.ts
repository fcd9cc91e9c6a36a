/** Answers made to exhaust whoever reads them are refused while they arrive, and take little memory. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { typedTarget } from "../../../src/feed/feed-target.ts";
import { HttpClient } from "../../../src/feed/http-client.ts";
import { HttpFeed } from "../../../src/feed/http-feed.ts";
import { FeedServer, type Handler } from "../../support/feed-server.ts";

const MIB = 1024 * 1024;
const server = new FeedServer();
const client = new HttpClient({ userAgent: "velostream-test", now: Date.now });
before(() => server.listen());
after(async () => {
  await client.close();
  await server.close();
});

/** 90 MiB of `text`, written as it is asked for. */
function endless(start: string, text: string): Handler {
  return (_, response) => {
    const block = Buffer.from(text.repeat(Math.ceil(MIB / text.length)));
    let left = 90;
    const write = (): void => {
      if (response.destroyed) return;
      left -= 1;
      if (left < 0) response.end();
      else response.write(block, () => setImmediate(write));
    };
    response.write(start);
    write();
  };
}

const zipped =
  (text: string): Handler =>
  (_, response) =>
    void response
      .writeHead(200, { "content-encoding": "gzip" })
      .end(gzipSync(text.repeat(Math.ceil((30 * MIB) / text.length))));

const BOMBS: Readonly<Record<string, Handler>> = {
  "empty objects": endless('{"data":{"stations":[', "{},"),
  "empty objects, compressed": zipped("{},"),
  brackets: endless("", "["),
  "brackets, compressed": zipped("["),
  numbers: endless('{"data":{"x":[', "1,"),
  blanks: endless("", " "),
  "one long record": endless('{"data":{"stations":[{"a":[', `"${"x".repeat(500)}",`),
};

for (const [what, bomb] of Object.entries(BOMBS)) {
  test(`90 MiB of ${what} is refused, and takes less than 300 MB`, async () => {
    server.routes.set("/station_status.json", bomb);
    const idle = process.memoryUsage().rss;
    let peak = idle;
    const watching = setInterval(() => (peak = Math.max(peak, process.memoryUsage().rss)), 5);
    const target = typedTarget(`${server.origin}/station_status.json`) ?? assert.fail();
    const poll = await new HttpFeed({ target, client, clock: { now: Date.now } }).poll();
    clearInterval(watching);
    assert.ok(poll.kind === "failed" && poll.outcome === "too_large", JSON.stringify(poll).slice(0, 300));
    assert.ok(peak - idle < 300 * MIB, `${Math.round((peak - idle) / MIB)} MiB`);
  });
}
