/** The header that says which totals follow a record played back from history. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodePublication, encodePublication } from "../../src/record/publication.ts";

test("is read back to the keys that it was written of", () => {
  for (const keys of [[], ["75016"], ["75016", 'lyon:a "quoted" area']])
    assert.deepEqual(decodePublication(encodePublication(keys)), keys);
  assert.equal(encodePublication([]), "[]");
});

test("of a stranger it is none", () => {
  for (const header of [undefined, "", "nothing", '"75016"', "75016", "null", "{}", '["75016",1]', "[1]"])
    assert.equal(decodePublication(header), null, header);
});
