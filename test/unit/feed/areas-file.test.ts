/** Areas files as spreadsheets and map programs write them: read right, or refused; never mangled. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import fc from "fast-check";
import { areaName, postcodeName } from "../../../src/domain/area-names.ts";
import { AreaResolver } from "../../../src/domain/areas.ts";
import { readAreasFile } from "../../../src/feed/areas-file.ts";
import { decodeText } from "../../../src/feed/text-encoding.ts";

const folder = mkdtempSync(join(tmpdir(), "velostream-areas-file-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function file(content: string | Uint8Array): string {
  const path = join(folder, `areas-${(files += 1)}`);
  writeFileSync(path, content);
  return path;
}

/** As a program writes it that knows one byte a character; only characters whose byte is their number. */
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const utf16be = (text: string): Buffer => Buffer.from(text, "utf16le").swap16();

function geoJson(properties: readonly object[]): string {
  const features = properties.map((each, index) => ({
    type: "Feature",
    properties: each,
    geometry: {
      type: "Polygon",
      coordinates: [
        [
          [index, 0],
          [index + 1, 0],
          [index + 1, 1],
          [index, 1],
          [index, 0],
        ],
      ],
    },
  }));
  return JSON.stringify({ type: "FeatureCollection", features });
}

describe("encodings of areas files", () => {
  const csv = "station_id;area\r\na;Saint-Étienne\r\nb;Cité\r\nc;Citè\r\n";
  const encoded = {
    "UTF-8": Buffer.from(csv),
    "UTF-8 with a mark": Buffer.from(`\uFEFF${csv}`),
    "Windows-1252": latin1(csv),
    "UTF-16 little-endian with a mark": Buffer.from(`\uFEFF${csv}`, "utf16le"),
    "UTF-16 big-endian with a mark": utf16be(`\uFEFF${csv}`),
    "UTF-16 little-endian": Buffer.from(csv, "utf16le"),
    "UTF-16 big-endian": utf16be(csv),
  };
  for (const [encoding, bytes] of Object.entries(encoded))
    test(`${encoding}: every name comes out as it was written, and none is another`, () => {
      const areas = readAreasFile(file(bytes));
      const read = ["a", "b", "c"].map((id) => areas.find(undefined, null, id));
      assert.deepEqual(read, ["Saint-Étienne", "Cité", "Citè"]);
    });

  test("Windows-1252 has more than Latin-1: œ, ’, – and €", () => {
    const bytes = Buffer.concat([
      latin1("station_id,area\na,Sacr"),
      Buffer.of(0xe9),
      latin1("-C"),
      Buffer.of(0x9c),
    ]);
    const quote = Buffer.concat([
      bytes,
      latin1("ur\nb,L"),
      Buffer.of(0x92),
      latin1("\xcele "),
      Buffer.of(0x96),
      latin1(" Est"),
    ]);
    const areas = readAreasFile(file(quote));
    assert.equal(areas.find(undefined, null, "a"), "Sacré-Cœur");
    assert.equal(areas.find(undefined, null, "b"), "L’Île – Est");
  });

  test("GeoJSON in Windows-1252 and UTF-16 reads as in UTF-8", () => {
    const text = geoJson([{ nom: "Cité" }, { nom: "Citè" }]);
    for (const bytes of [
      Buffer.from(text),
      latin1(text),
      Buffer.from(`\uFEFF${text}`, "utf16le"),
      utf16be(text),
    ]) {
      const areas = readAreasFile(file(bytes));
      assert.deepEqual([areas.at(0.5, 0.5), areas.at(0.5, 1.5)], ["Cité", "Citè"]);
    }
  });

  test("DOS, MacRoman and Latin-2 look like Windows-1252 and are refused, not mangled", () => {
    const bad = {
      "DOS é": [0x43, 0x69, 0x74, 0x82],
      "MacRoman é": [0x43, 0x69, 0x74, 0x8e],
      "MacRoman è": [0x43, 0x69, 0x74, 0x8f],
      "Latin-2 ł": [0x57, 0x72, 0x6f, 0x63, 0xb3, 0x61, 0x77],
      "bytes of no text": [0x00, 0x01, 0xff, 0xd8],
    };
    for (const [what, bytes] of Object.entries(bad)) {
      const path = file(Buffer.concat([latin1("station_id,area\na,"), Buffer.from(bytes), latin1("\n")]));
      assert.throws(
        () => readAreasFile(path),
        /neither UTF-8 nor UTF-16 nor Windows-1252.*Save it as UTF-8/,
        what,
      );
    }
  });

  test("any text reads back from UTF-8, and from UTF-16 with a mark", () => {
    const text = fc
      .string({ unit: "grapheme", minLength: 1 })
      .filter((each) => !each.includes("\0") && !each.includes("\uFEFF"));
    fc.assert(
      fc.property(text, (each) => {
        assert.equal(decodeText(Buffer.from(each))?.text, each);
        assert.equal(decodeText(Buffer.from(`\uFEFF${each}`, "utf16le"))?.text, each);
        assert.equal(decodeText(utf16be(`\uFEFF${each}`))?.text, each);
      }),
    );
  });
});

describe("rows of a CSV", () => {
  test("an empty cell costs its own row, which is named by its line", () => {
    const areas = readAreasFile(file("sep=;\nstation_id;area\na;Nord\nb;\n;Sud\nc;N/A\nd;Sud\n"));
    assert.deepEqual(
      ["a", "b", "c", "d"].map((id) => areas.find(undefined, null, id)),
      ["Nord", null, null, "Sud"],
    );
    assert.match(areas.warning ?? "", /^Lines 4, 5, 6 of the areas file .* only these are left out/);
    assert.match(areas.summary, /puts 2 stations into 2 areas/);
    assert.equal(readAreasFile(file("station_id,area\na,Nord\n")).warning, null);
  });

  test("many bad rows are counted, not listed", () => {
    const rows = Array.from({ length: 40 }, (_, at) => `s${at},`).join("\n");
    assert.match(
      readAreasFile(file(`station_id,area\na,Nord\n${rows}\n`)).warning ?? "",
      /^Lines 3, 4, 5, 6, 7 and 35 more/,
    );
  });
});

describe("the property that names an area", () => {
  const quarters = Array.from({ length: 80 }, (_, at) => ({
    n_sq_qu: `7500000${at}`,
    c_qu: String(at + 1),
    l_qu: `Quartier ${at + 1}`,
    c_ar: (at % 20) + 1,
    surface: 1000 + at,
  }));
  const cases: [string, readonly object[], string | null, RegExp][] = [
    ["80 quarters are 80 areas", quarters, null, /80 features and 80 areas, named by property "l_qu"/],
    ["the user's choice counts", quarters, "c_ar", /80 features and 20 areas, named by property "c_ar"/],
    [
      "a postcode may have several parts",
      [
        { id: 1, Postcode: "75016" },
        { id: 2, Postcode: "75 016" },
      ],
      null,
      /2 features and 1 areas, named by property "Postcode"/,
    ],
    [
      "names that are shared give way to codes",
      [
        { nom: "Saint-Denis", insee: "93066" },
        { nom: "Saint-Denis", insee: "97411" },
      ],
      null,
      /2 areas, named by property "insee"/,
    ],
    [
      "measures name nothing",
      [
        { surface: 1, NAME_1: "a" },
        { surface: 2, NAME_1: "b" },
      ],
      null,
      /named by property "NAME_1"/,
    ],
  ];
  for (const [what, properties, property, summary] of cases)
    test(what, () => assert.match(readAreasFile(file(geoJson(properties)), property).summary, summary));

  test("the summary says what else there is", () => {
    assert.match(
      readAreasFile(file(geoJson(quarters))).summary,
      /--areas-property names another \(there are n_sq_qu, c_qu/,
    );
    assert.throws(
      () => readAreasFile(file(geoJson(quarters)), "quartier"),
      /"quartier" is missing in feature 0 .*c_qu/,
    );
  });
});

describe("names of areas", () => {
  test("what stands for nothing is no area", () => {
    for (const text of [
      null,
      "",
      "  ",
      "-",
      "--",
      "–",
      "N/A",
      "n/a",
      "NA",
      "null",
      "NULL",
      "none",
      "undefined",
      "?",
      "x".repeat(101),
    ])
      assert.equal(areaName(text), null, String(text));
    for (const text of ["0", "0.0", "00000"]) assert.equal(postcodeName(text), null, text);
    assert.equal(areaName("0"), "0", "a region may have this id");
  });

  test("French and US codes have one spelling; others stay as they are", () => {
    for (const text of [
      "75001",
      " 75001 ",
      "75001.0",
      "75 001",
      "75\u00a0001",
      "F-75001",
      "FR-75001",
      "FR 75001",
    ])
      assert.equal(postcodeName(text), "75001", text);
    assert.equal(postcodeName("10001-1234"), "10001");
    for (const text of [
      "SW1A 1AA",
      "1012 AB",
      "123 45",
      "00-950",
      "01310-100",
      "D04 X285",
      "Zone 1: Nord",
      "Quartier 5",
      "110 00",
    ])
      assert.equal(postcodeName(text), text);
    assert.equal(areaName("Cite\u0301"), "Cité", "two ways to write a letter are one name");
  });

  test("a post_code that stands for nothing leaves the station to the next rule", () => {
    const { resolve } = new AreaResolver({ systemId: "oslo" });
    const station = { stationId: "1", stationCode: null, name: null, lat: null, lon: null, capacity: null };
    for (const postCode of ["N/A", "-", "0", "null"])
      assert.deepEqual(resolve({ ...station, postCode, regionId: "3" }, null, "1"), {
        area: "3",
        rule: "region",
      });
  });
});
