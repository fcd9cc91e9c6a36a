/** Electric and mechanical in every spelling that is known, and nothing invented for the rest. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeVehicleTypes, propulsionOf } from "../../../src/domain/gbfs/propulsion.ts";
import { decodeStationStatus } from "../../../src/domain/gbfs/station-status.ts";

/** The split of one station, and the oddities it raises. */
function read(station: object, types: readonly object[] = []) {
  const propulsions = decodeVehicleTypes({ data: { vehicle_types: types } });
  const file = decodeStationStatus({ data: { stations: [{ station_id: "1", ...station }] } }, propulsions);
  const first = file?.stations[0] ?? assert.fail();
  return {
    split: [first.electric, first.mechanical],
    oddities: Object.keys(file?.oddities ?? {}),
  };
}

const type = (id: string, propulsion: unknown) => ({ vehicle_type_id: id, propulsion_type: propulsion });
type TypeCount = readonly [string, unknown];
const available = (...counts: readonly TypeCount[]) =>
  counts.map(([id, count]) => ({ vehicle_type_id: id, count }));

test("propulsion in another spelling is read: case, accents, hyphens and usual synonyms", () => {
  for (const word of [
    "electric",
    "ELECTRIC",
    "Electric_Assist",
    "e-bike",
    "E-Bikes",
    "Électrique",
    "pedelec",
  ])
    assert.equal(propulsionOf(word), "electric", word);
  for (const word of ["human", "Human", "HUMAN_POWERED", "pedal", "Mécanique", "classic", "non-electric"])
    assert.equal(propulsionOf(word), "mechanical", word);
  for (const word of [
    "combustion",
    "Combustion_Diesel",
    "plug_in_hybrid",
    "plug-in hybrid",
    "hydrogen_fuel_cell",
  ])
    assert.equal(propulsionOf(word), "other", word);
});

test("a word that is not known, a number or nothing is unknown propulsion, and is counted", () => {
  for (const word of [
    "",
    " ",
    "warp",
    "velo",
    "bicycle",
    0,
    1,
    null,
    undefined,
    {},
    ["human"],
    "x".repeat(10_000),
  ])
    assert.equal(propulsionOf(word), "unknown");
  const types = [type("1", "Human"), type("2", "pedal"), type("3", ""), type("4", "ELECTRIC")];
  const four = available(["1", 1], ["2", 1], ["3", 1], ["4", 1]);
  assert.deepEqual(read({ num_bikes_available: 4, vehicle_types_available: four }, types), {
    split: [null, null],
    oddities: ["unexplained_vehicle_type"],
  });
  const integers = [type("1", 0), type("2", 1)];
  assert.deepEqual(
    read({ num_bikes_available: 2, vehicle_types_available: four.slice(0, 2) }, integers).split,
    [null, null],
  );
});

test("without propulsion a form factor tells only where it is such a word itself", () => {
  const types = [
    { vehicle_type_id: "e", form_factor: "e-bike" },
    { vehicle_type_id: "b", form_factor: "bicycle" },
    { vehicle_type_id: "s", form_factor: "scooter_standing", propulsion_type: null },
    { vehicle_type_id: "c", form_factor: "cargo_bicycle", propulsion_type: "human" },
  ];
  const of = (...counts: readonly TypeCount[]) =>
    read({ num_bikes_available: 3, vehicle_types_available: available(...counts) }, types).split;
  assert.deepEqual(of(["e", 2], ["c", 1]), [2, 1]);
  assert.deepEqual(of(["e", 2], ["b", 1]), [null, null]);
  assert.deepEqual(of(["e", 2], ["s", 1]), [null, null]);
});

test("an unknown type that counts no vehicle takes nothing from the split", () => {
  const types = [type("m", "human"), type("e", "electric_assist")];
  const at = (total: number, ...counts: readonly TypeCount[]) =>
    read({ num_bikes_available: total, vehicle_types_available: available(...counts) }, types).split;
  assert.deepEqual(at(5, ["m", 3], ["e", 2], ["old", 0]), [2, 3]);
  assert.deepEqual(at(5, ["old", 0], ["m", 5]), [0, 5]);
  assert.deepEqual(at(6, ["m", 3], ["e", 2], ["old", 1]), [null, null]);
  assert.deepEqual(at(5, ["m", 3], ["e", 2], ["old", 1]), [2, 3], "the total is explained without it");
  assert.deepEqual(at(3, ["old", 0]), [null, null], "nothing that is known is there");
  assert.deepEqual(at(0, ["old", 0]), [0, 0]);
  assert.deepEqual(at(5, ["m", -1], ["e", 2]), [null, null]);
});

test("BCycle: electric, smart and classic; smart bikes have no motor", () => {
  const at = (total: number, counts: unknown) =>
    read({ num_bikes_available: total, num_bikes_available_types: counts }).split;
  assert.deepEqual(at(2, { electric: 2, smart: 0, classic: 0 }), [2, 0]);
  assert.deepEqual(at(9, { electric: 2, smart: 3, classic: 4 }), [2, 7]);
  assert.deepEqual(at(5, [{ Electric: 2 }, { Classic: 3 }]), [2, 3]);
  assert.deepEqual(at(5, { electric: 2, classic: 1, cargo: 2 }), [null, null]);
  assert.deepEqual(at(3, { electric: 2, classic: 1, cargo: 0 }), [2, 1]);
  assert.deepEqual(at(3, { regular: 2, vip: 1 }), [null, null]);
});

test("where one field tells no split the next one is asked", () => {
  assert.deepEqual(
    read({ num_bikes_available: 5, num_bikes_available_types: { a: 5 }, num_ebikes_available: 2 }).split,
    [2, 3],
  );
  assert.deepEqual(
    read({ num_bikes_available: 5, num_ebikes_available: -1, vehicle_types_available: available(["m", 5]) }, [
      type("m", "human"),
    ]).split,
    [0, 5],
  );
});

test("a split is never invented: its parts come from known words, and are no more than was said", () => {
  const words = ["human", "electric", "Pedal", "combustion", "", "warp", 7, null];
  const entry = fc.record({ word: fc.constantFrom(...words), count: fc.integer({ min: -1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 6 }), fc.integer({ min: 0, max: 20 }), (entries, total) => {
      const types = entries.map(({ word }, n) => type(String(n), word));
      const counts = entries.map(({ count }, n): [string, number] => [String(n), count]);
      const { split } = read(
        { num_bikes_available: total, vehicle_types_available: available(...counts) },
        types,
      );
      const sum = (...kinds: string[]) =>
        entries
          .filter(({ word }) => kinds.includes(propulsionOf(word)))
          .reduce((all, { count }) => all + count, 0);
      const broken = entries.some(({ count }) => count < 0);
      const doubt = sum("unknown") > 0 && sum("electric", "mechanical", "other") < total;
      const silent = total > 0 && entries.every(({ word }) => propulsionOf(word) === "unknown");
      assert.deepEqual(
        split,
        broken || doubt || silent ? [null, null] : [sum("electric"), sum("mechanical")],
      );
    }),
  );
});
