import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { formatAddress, parseAddress, START } from "../../../web/src/address/address.ts";
import { chooseLanguage, fold, Words } from "../../../web/src/text/format.ts";
import { en } from "../../../web/src/text/en.ts";
import { fr } from "../../../web/src/text/fr.ts";

describe("the page's words", () => {
  it("speaks the first of the reader's languages that it knows, else English", () => {
    assert.equal(chooseLanguage(["de-AT", "fr-CA", "en"]), "fr");
    assert.equal(chooseLanguage(["de"]), "en");
    assert.equal(chooseLanguage([]), "en");
  });

  it("says everything in both languages, and not the same", () => {
    assert.deepEqual(Object.keys(fr).sort(), Object.keys(en).sort());
    assert.notEqual(fr.areas, en.areas);
  });

  it("keeps French punctuation on the line of its word", () => {
    const said = Object.values(fr).flatMap((text): unknown[] =>
      typeof text === "string"
        ? [text]
        : typeof text === "function"
          ? [(text as (...given: string[]) => string)("a", "b", "c", "d", "e", "f")]
          : Object.values(text),
    );
    for (const text of said) assert.doesNotMatch(String(text), / [:;?!»]|« /);
  });

  it("gives ages in one unit, never negative", () => {
    const words = new Words("en");
    const ages = [-5_000, 0, 59_999, 60_000, 3_599_999, 3_600_000, 47 * 3_600_000, 48 * 3_600_000];
    assert.deepEqual(
      ages.map((ms) => words.duration(ms)),
      ["0 s", "0 s", "59 s", "1 min", "59 min", "1 h", "47 h", "2 d"],
    );
  });

  it("writes numbers as the language does, and a dash for what the feed does not say", () => {
    assert.equal(new Words("en").count(12_345), "12,345");
    assert.equal(new Words("fr").count(12_345), "12\u202f345");
    assert.equal(new Words("en").count(null), "–");
  });

  it("gives sizes in the unit that fits", () => {
    const english = new Words("en");
    assert.deepEqual(
      [0, 812_345, 25_401_772, 5.48e9].map((size) => english.bytes(size)),
      ["0 kB", "812 kB", "25.4 MB", "5.5 GB"],
    );
    assert.equal(new Words("fr").bytes(25_401_772).replaceAll(/\s/g, " "), "25,4 Mo");
  });

  it("gives times in the system's own zone, with the date when it is another day", () => {
    const words = new Words("en");
    const atMs = Date.UTC(2026, 10, 20, 8, 30);
    assert.equal(words.time(atMs, atMs, "Europe/Paris"), "09:30");
    assert.equal(words.time(atMs, atMs + 40 * 3_600_000, "Europe/Paris"), "20 Nov, 09:30");
  });

  it("marks a time axis with the time of day, and midnight in the system's zone with the date", () => {
    const words = new Words("en");
    const midnightMs = Date.UTC(2026, 10, 20, 23);
    assert.equal(words.tick(midnightMs, "Europe/Paris"), "21 Nov");
    assert.equal(words.tick(midnightMs + 21_600_000, "Europe/Paris"), "06:00");
    assert.equal(new Words("fr").tick(midnightMs, "Europe/Paris"), "21 nov.");
  });

  it("does not fail on a zone that it does not know", () => {
    assert.match(new Words("en").time(0, 0, "Mars/Olympus"), /\d\d:\d\d/);
  });

  it("finds names whatever their accents and case", () => {
    assert.equal(fold("Hôtel de Ville – ÉCOLES"), "hotel de ville – ecoles");
  });
});

describe("the address", () => {
  it("of the start page is bare", () => {
    assert.equal(formatAddress(START), "");
    assert.deepEqual(parseAddress(""), START);
  });

  it("survives being shared", () => {
    const address = {
      ...START,
      station: "velib:213688169",
      measure: "electric",
      query: "porte d’Orléans & co",
      sort: "docks",
      descending: true,
      range: "24h",
      view: { zoom: 13.25, lat: 48.86, lon: -2.35 },
    } as const;
    assert.deepEqual(parseAddress(formatAddress(address)), address);
    assert.match(formatAddress(address), /^\?station=velib:213688169&/);
  });

  it("ignores what it does not understand", () => {
    assert.deepEqual(parseAddress("?show=scooters&sort=-x&range=9y&map=99/1/1&map2=1&area="), {
      ...START,
      descending: true,
    });
  });
});
