/** Parsing a text in parts says what JSON.parse says of the whole, wherever it is cut: on any text. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseParts } from "../../src/feed/json-parts.ts";

const outcome = (parse: () => unknown): unknown => {
  try {
    return { value: parse() };
  } catch (error) {
    assert.ok(error instanceof SyntaxError, String(error));
    return "refused";
  }
};

/** Cuts a text at the given places. */
function cut(text: string, places: readonly number[]): string[] {
  const at = [...new Set(places.map((place) => place % (text.length + 1)))].sort((a, b) => a - b);
  return [0, ...at].map((start, index) => text.slice(start, at[index] ?? text.length));
}

function agree(text: string, places: readonly number[]): void {
  assert.deepEqual(
    outcome(() => parseParts(cut(text, places), 0)),
    outcome(() => JSON.parse(text)),
    text,
  );
}

const places = fc.array(fc.nat(), { maxLength: 12 });
const word = fc.constantFrom("a", 'b"c', "\\", "é€🚲", "],", '"stations":[', "", "__proto__");
const station = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ station_id: word, n: fc.integer(), nested: fc.array(word, { maxLength: 2 }) }),
  },
  fc.jsonValue({ maxDepth: 2 }),
);
const listName = fc.constantFrom("stations", "vehicles", "bikes", "feeds");
const file = fc
  .tuple(listName, fc.array(station, { maxLength: 12 }), fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(0, 1))
  .chain(([name, list, other, indent]) =>
    fc
      .constantFrom<unknown>(
        { last_updated: 1, ttl: 60, data: { [name]: list } },
        { data: { [name]: list, other }, ttl: 60 },
        { data: { first: other, [name]: list }, stations: [] },
        { stations: list },
        { data: [{ [name]: list }] },
        { more: { data: { [name]: list } } },
        { data: { deeper: { [name]: list } } },
        { data: { stations: other, vehicles: list, bikes: list } },
      )
      .map((value) => JSON.stringify(value, null, indent)),
  );

test("a file of a feed, cut anywhere", () => {
  fc.assert(fc.property(file, places, agree), { numRuns: 5_000 });
});

test("a damaged file, cut anywhere", () => {
  const damage = fc.tuple(
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.constantFrom("", ",", "]", "}", "[", "{", '"', "\\", " ", "1", ":"),
  );
  fc.assert(
    fc.property(file, fc.array(damage, { minLength: 1, maxLength: 3 }), places, (text, damages, cuts) => {
      for (const [at, length, instead] of damages) {
        const start = at % (text.length + 1);
        text = text.slice(0, start) + instead + text.slice(start + length);
      }
      agree(text, cuts);
    }),
    { numRuns: 10_000 },
  );
});

test("commas with nothing between them, a list that never ends, and names that come twice", () => {
  for (const list of [
    "[]",
    "[ ]",
    "[,]",
    "[1,]",
    "[,1]",
    "[1,,2]",
    "[1,2",
    "[1,2}",
    '["]"]',
    "[1 2]",
    "[[1],[2]]",
  ])
    for (const text of [
      `{"data":{"stations":${list}}}`,
      `{"data":{"stations":${list},"stations":[3]}}`,
      `{"data":{"stations":${list}},"data":{"stations":${list}}}`,
      `{"data":{"stations":${list}},"data":7}`,
      ` {"ttl":1,"data" : {"stations" : ${list} , "x":1 } } `,
    ])
      for (let at = 0; at <= text.length; at += 1) agree(text, [at, at + 1, at + 3]);
});
