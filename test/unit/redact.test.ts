/** What is printed of a URL holds no secret. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { redactText, redactValue } from "../../src/telemetry/redact.ts";

test("of a URL neither user, password, unknown parameters nor fragment are printed", () => {
  for (const url of [
    "https://me:SECRET@x.example/g",
    "https://SECRET@x.example/g",
    "https://me:a/SECRET@x.example/g",
    "https://me:a@SECRET@x.example/g",
    "http://us%zz:SECRET@x.example/g",
    "https://x.example/g?token=SECRET",
    "https://x.example/g?apikey=SECRET&lang=en",
    "https://x.example/g?code=SECRET",
    "https://x.example/g?SECRET",
    "https://x.example/g#SECRET",
  ])
    assert.doesNotMatch(redactText(`Asked ${url} twice.`), /SECRET/, url);
  assert.equal(
    redactText("See https://x.example/g?lang=en&k=1 now"),
    "See https://x.example/g?lang=en&k=redacted now",
  );
});

/** Forms in which people and programs write a secret. */
const FORMS = [
  "https://me:my SECRET pass@x.example/g",
  "https://me:SECRET word/with slash@x.example/g",
  "https://my SECRET@x.example/g",
  "kafka://user:p SECRET@broker:9092",
  "me:SECRET@x.example",
  "(me:SECRET@x.example:8080)",
  "Bearer SECRET",
  "bearer SECRET",
  "Bearer  eySECRET.a.b",
  "Bearer%20SECRET",
  "Authorization: Bearer SECRET",
  "authorization: Basic SECRETxyz==",
  "Authorization: Basic bWU6SECRET=",
  "Proxy-Authorization: Digest SECRET",
  "-H 'Authorization: Token SECRET'",
  "Basic bWU6SECRET==",
  "token=SECRET",
  "token = SECRET",
  "token: SECRET",
  "TOKEN=SECRET",
  "apikey:SECRET",
  "apikey: SECRET",
  "api-key: SECRET",
  "X-Api-Key: SECRET",
  "api key: SECRET",
  "access_token=SECRET",
  "accessToken: 'SECRET with blanks'",
  "client_secret=SECRET",
  "KAFKA_PASSWORD=SECRET",
  "password: SECRET",
  "pwd=SECRET;",
  "Cookie: SECRET",
  "token%3DSECRET",
  "apikey%3A%20SECRET",
  "https%3A%2F%2Fme%3ASECRET%40x.example%2Fg",
  "https://relay.example/?feed=https%3A%2F%2Fme%3ASECRET%40x.example",
  "https://relay.example/?feed=https%3A%2F%2Fx.example%2F%3Ftoken%3DSECRET",
  "https://x.example/g?name=token%3DSECRET",
  "https://x.example/g?name=Bearer%20SECRET",
  "https://x.example/g?lang=en&TOKEN=SECRET#x",
  "https://x.example/g?lang=en#access_token=SECRET",
  "https://x.example/token/SECRET/gbfs.json",
  "https://x.example/apikey/SECRET/gbfs.json",
  "https://x.example/v2/key/SECRET/gbfs.json",
  "https://x.example/apikey=SECRET/gbfs.json",
  "https://x.example/g;token=SECRET",
  "https://x.example/api_key:SECRET/gbfs.json",
  "first line\ntoken=SECRET\nlast line",
  "password:\n  SECRET",
  "Authorization:\n\tBearer SECRET",
  '{"token":"SECRET"}',
  '{"apiKey": "SECRET with blanks, and more"}',
  String.raw`{\"password\":\"SECRET\"}`,
  '{"headers":{"Authorization":"Bearer SECRET"}}',
  '{"token":"a\'SECRET"}',
];

test("a secret is not printed, in whatever form it stands in a text, alone, in a sentence or in lines", () => {
  for (const form of FORMS)
    for (const text of [form, `Asked ${form}, in vain.`, `one\n${form}\ntwo`, `(${form})`])
      assert.doesNotMatch(redactText(text), /SECRET/, text);
});

test("a key that stands in a path looks drawn by lot", () => {
  for (const key of [
    "0123456789abcdef0123456789abcdef",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "Zk3vQ9xLm2PqR7sTu1WyAb4c",
  ])
    assert.equal(redactText(`https://x.example/${key}/g.json`), "https://x.example/redacted/g.json");
});

test("what is no secret stays", () => {
  for (const text of [
    "https://x.example:8080/g failed; write to me@example.org",
    "https://gbfs.example.com/oslobysykkel-2025/en/station_status.json?lang=nb&city=S%C3%A3o%20Paulo",
    "http://127.0.0.1:21001/fbs-404/gbfs.json has no such feed",
    "Basic authentication is asked for.",
    "velostream/1.0 (+mailto:test@example.org)",
    "tokens: 5; the key velib:12 has 3 bikes",
    "partition 3: at 12:30:05",
    "Check https://x.example/g: it is no feed.",
  ])
    assert.equal(redactText(text), text);
});

test("a value under the name of a secret is left out whatever it is, and the rest stays what it was", () => {
  assert.deepEqual(
    redactValue({
      token: 12,
      accessToken: "a",
      list: [{ password: "x y" }],
      feed: "velib",
      n: 3,
      none: null,
    }),
    {
      token: "redacted",
      accessToken: "redacted",
      list: [{ password: "redacted" }],
      feed: "velib",
      n: 3,
      none: null,
    },
  );
});
