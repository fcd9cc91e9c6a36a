/** What each choice costs the aggregate on Kafka: partitions, compression of the raw topic, a second worker. */
import { VELOSTREAM } from "./support/engines.ts";
import { KafkaRig, type Measured, type RunOptions } from "./support/kafka-rig.ts";
import { writeLoads } from "./support/kafka-load.ts";
import { type Figure, figure, report } from "./support/report.ts";

const STATIONS = 1_495;
const POLLS = { warmUp: 100, measured: 200 };
const ROUNDS = 1;
const PARTITIONS = 4;

type Variant = Omit<RunOptions, "warmUp" | "load">;
const REFERENCE: Variant = { partitions: PARTITIONS };
/** Both cores are shared with the broker then: the pair is compared with one worker on both cores. */
const BOTH = "0,1";
const VARIANTS: readonly (readonly [string, Variant])[] = [
  ["1 partition", { partitions: 1 }],
  ["16 partitions", { partitions: 16 }],
  ["raw topic in lz4", { partitions: PARTITIONS, compression: "lz4" }],
  ["raw topic in zstd", { partitions: PARTITIONS, compression: "zstd" }],
  ["raw topic in gzip", { partitions: PARTITIONS, compression: "gzip" }],
  ["one worker on both cores", { partitions: PARTITIONS, workers: [{ cores: BOTH }] }],
  ["two workers on both cores", { partitions: PARTITIONS, workers: [{ cores: BOTH }, { cores: BOTH }] }],
];

const rig = await KafkaRig.start();
const figures: Figure[] = [];
try {
  const loads = new Map(
    [...new Set(VARIANTS.map(([, { partitions }]) => partitions))].map((partitions) => [
      partitions,
      writeLoads(rig.folder, STATIONS, [POLLS.warmUp, POLLS.measured], partitions, `of-${partitions}`),
    ]),
  );
  const run = async (variant: Variant): Promise<Measured> => {
    const [warmUp, load] = loads.get(variant.partitions) ?? [];
    if (warmUp === undefined || load === undefined) throw new Error("no load for that many partitions");
    return rig.run(VELOSTREAM, { ...variant, warmUp: [warmUp], load });
  };
  const records = loads.get(PARTITIONS)?.[1]?.records ?? NaN;
  const all = new Map<string, { cpu: number[]; wall: number[] }>();
  const reference: { cpu: number[]; wall: number[] } = { cpu: [], wall: [] };
  for (let round = 0; round < ROUNDS; round += 1) {
    const base = await run(REFERENCE);
    reference.cpu.push((base.cpuMs / records) * 1000);
    reference.wall.push((records / base.wallMs) * 1000);
    for (const [name, variant] of VARIANTS) {
      const measured = await run(variant);
      console.error(`round ${round + 1}: ${name} ${JSON.stringify(measured)}`);
      const each = all.get(name) ?? { cpu: [], wall: [] };
      each.cpu.push(measured.cpuMs / base.cpuMs);
      each.wall.push(base.wallMs / measured.wallMs);
      all.set(name, each);
    }
  }
  figures.push(
    figure(
      "4 partitions, no compression, one worker: processor time per million records",
      "s",
      reference.cpu,
    ),
    figure("4 partitions, no compression, one worker: records per second, wall", "records/s", reference.wall),
  );
  for (const [name, { cpu, wall }] of all)
    figures.push(
      figure(`${name}: processor time a record, against that`, "×", cpu),
      figure(`${name}: records per second, wall, against that`, "×", wall),
    );
} finally {
  await rig.stop();
}
report({
  name: "kafka-options",
  claim: "what partitions, compression and a second worker cost or bring",
  holds: null,
  figures,
  facts: { stations: STATIONS, polls: POLLS.measured, broker: "Kafka 4.4.0, one node, on core 0" },
});
