/** What is printed of a URL holds no secret. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { redactText } from "../../src/telemetry/redact.ts";

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
