/** `--feeds` files: what they may say, and what they are told when they say something else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFeedList } from "../../src/config/feed-list.ts";
import { ConfigError } from "../../src/errors.ts";

const ENV = { EXAMPLE_TOKEN: "Bearer abc", BAD: "a\nb" };

test("reads YAML: names, URLs, headers from the environment, interval, areas beside the file", () => {
  const text = `
- bicing
- https://gbfs.example.org/gbfs.json
- url: https://gbfs.example.org/private/gbfs.json
  name: private
  headers: { Authorization: EXAMPLE_TOKEN }
  interval: 30s
  areas: areas/private.geojson
  areas-property: code
- system: velib
  interval: auto
`;
  const none = { name: null, headers: {}, interval: null, areas: null, areasProperty: null };
  const expected = [
    { ...none, feed: "bicing" },
    { ...none, feed: "https://gbfs.example.org/gbfs.json" },
    {
      feed: "https://gbfs.example.org/private/gbfs.json",
      name: "private",
      headers: { authorization: "Bearer abc" },
      interval: 30_000,
      areas: "/etc/velostream/areas/private.geojson",
      areasProperty: "code",
    },
    { ...none, feed: "velib", interval: "auto" },
  ];
  assert.deepEqual(parseFeedList("/etc/velostream/feeds.yaml", text, ENV), expected);
  assert.deepEqual(
    parseFeedList("/etc/velostream/feeds.yml", `feeds:${text.replaceAll("\n", "\n  ")}`, ENV),
    expected,
  );
});

test("reads CSV with the same columns", () => {
  const text =
    "name,url,headers,interval\nprivate,https://x.example/gbfs.json,authorization=EXAMPLE_TOKEN,1m\n,https://y.example/g.json,,\n";
  const [first, second] = parseFeedList("/tmp/feeds.csv", text, ENV);
  assert.deepEqual(
    [first?.name, first?.headers, first?.interval],
    ["private", { authorization: "Bearer abc" }, 60_000],
  );
  assert.deepEqual([second?.feed, second?.name], ["https://y.example/g.json", null]);
});

const BAD: [string, RegExp][] = [
  ["{", /is not YAML/],
  ["3", /must be a list of feeds/],
  ["- 3", /Entry 1 of .* is not a feed/],
  ["- name: x", /needs a url or a system, and not both/],
  ["- {url: 'https://x.example', system: y}", /and not both/],
  ["- system: x\n- url: 'http://us%zz:abc@x.example/g'", /Entry 2 of .* \(line 2\): a % in .* %25/],
  [
    "feeds:\n\n- system: x\n- url: 'https://x.example /g'",
    /Entry 2 of .* \(line 4\): the url is not an http or https URL/,
  ],
  ["- url: https:abc.example/g", /line 1.*not an http or https URL/],
  ["- url: ftp://x.example/", /not an http or https URL/],
  ["- {system: x, intervall: 3s}", /"intervall", which is none of/],
  ["- {system: x, interval: soon}", /Entry 1 of .*: interval: "soon" is not a duration/],
  ["- {system: x, headers: {authorization: ABSENT}}", /variable ABSENT is not set/],
  ["- {system: x, headers: {authorization: Bearer abc}}", /must name environment variables/],
  ["- {system: x, headers: {'bad name': EXAMPLE_TOKEN}}", /must name environment variables/],
  ["- {system: x, headers: {authorization: BAD}}", /holds what no header may/],
  ["- {system: [x]}", /"system" must be text/],
  ["- system: x\n- system: x", /Entry 2 of .* is listed before/],
];
for (const [text, message] of BAD) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseFeedList("/tmp/feeds.yaml", text, ENV),
      (error: Error) =>
        error instanceof ConfigError && message.test(error.message) && !error.message.includes("abc"),
    );
  });
}

test("an alias bomb ends as an error, not as memory", () => {
  const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\n${Array.from({ length: 12 }, (_, n) => {
    const [to, from] = [String.fromCharCode(98 + n), String.fromCharCode(97 + n)];
    return `${to}: &${to} [${Array<string>(9).fill(`*${from}`).join(",")}]`;
  }).join("\n")}\nfeeds: *m`;
  assert.throws(() => parseFeedList("/tmp/feeds.yaml", bomb, ENV), ConfigError);
});
