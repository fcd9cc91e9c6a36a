/** Kafka to Kafka: the aggregate beside its peers, on one core, in turn, outputs checked equal. */
import {
  type Engine,
  KAFKA_STREAMS,
  KAFKA_STREAMS_ONCE_OR_MORE,
  KAFKA_STREAMS_PROCESSOR,
  KAFKAJS,
  NAIVE,
  VELOSTREAM,
} from "./support/engines.ts";
import { KafkaRig, type Measured } from "./support/kafka-rig.ts";
import { type Load, writeLoads } from "./support/kafka-load.ts";
import { type Figure, figure, report } from "./support/report.ts";

const STATIONS = 1_495;
const PARTITIONS = 4;
/** Warm-up: what the JIT compilers of both machines need. The naive script gets a hundredth of the rest. */
const POLLS = { warmUp: 300, measured: 300, naiveWarmUp: 1, naive: 5 };
const ROUNDS = 3;

const rig = await KafkaRig.start();
const runs = new Map<Engine, { readonly measured: Measured; readonly load: Load }[]>();
try {
  const [warmUp, load] = writeLoads(rig.folder, STATIONS, [POLLS.warmUp, POLLS.measured], PARTITIONS);
  const [naiveWarmUp, naiveLoad] = writeLoads(
    rig.folder,
    STATIONS,
    [POLLS.naiveWarmUp, POLLS.naive],
    PARTITIONS,
    "naive",
  );
  for (let round = 0; round < ROUNDS; round += 1)
    for (const engine of [
      VELOSTREAM,
      KAFKA_STREAMS,
      KAFKA_STREAMS_ONCE_OR_MORE,
      KAFKA_STREAMS_PROCESSOR,
      KAFKAJS,
      NAIVE,
    ]) {
      const own = engine === NAIVE ? [naiveWarmUp, naiveLoad] : [warmUp, load];
      const [first, second] = own as [Load, Load];
      const measured = await rig.run(engine, { warmUp: [first], load: second, partitions: PARTITIONS });
      console.error(`round ${round + 1}: ${engine.name} ${JSON.stringify(measured)}`);
      runs.set(engine, [...(runs.get(engine) ?? []), { measured, load: second }]);
    }
} finally {
  await rig.stop();
}

/** Records per second of processor time: what one core does, whoever else uses the machine. */
const perCpuSecond = (engine: Engine): number[] =>
  (runs.get(engine) ?? []).map(({ measured, load }) => (load.records / measured.cpuMs) * 1000);
const perSecond = (engine: Engine): number[] =>
  (runs.get(engine) ?? []).map(({ measured, load }) => (load.records / measured.wallMs) * 1000);
const ours = perCpuSecond(VELOSTREAM);
const oursPerSecond = perSecond(VELOSTREAM);

const figures: Figure[] = [];
for (const engine of runs.keys()) {
  const each = runs.get(engine) ?? [];
  const name = `${engine.name}, ${engine.guarantee}`;
  figures.push(
    figure(`${name}: records per core-second`, "records/s", perCpuSecond(engine)),
    figure(`${name}: records per second, wall`, "records/s", perSecond(engine)),
    figure(
      `${name}: processor time per million records`,
      "s",
      each.map(({ measured, load }) => (measured.cpuMs / load.records) * 1000),
    ),
    figure(
      `${name}: broker's processor time per million records`,
      "s",
      each.map(({ measured, load }) => (measured.brokerCpuMs / load.records) * 1000),
    ),
    figure(
      `${name}: resident memory`,
      "MiB",
      each.map(({ measured }) => measured.residentMiB),
    ),
    figure(
      `${name}: totals records put out`,
      "records",
      each.map(({ measured }) => measured.outputs),
    ),
  );
  if (engine === VELOSTREAM) continue;
  const theirs = perCpuSecond(engine);
  const theirsPerSecond = perSecond(engine);
  figures.push(
    figure(
      `velostream ÷ ${name}, per core-second`,
      "×",
      ours.map((rate, round) => rate / (theirs[round] ?? NaN)),
    ),
    figure(
      `velostream ÷ ${name}, wall`,
      "×",
      oursPerSecond.map((rate, round) => rate / (theirsPerSecond[round] ?? NaN)),
    ),
  );
}
const anyLoad = runs.get(VELOSTREAM)?.[0]?.load;
report({
  name: "kafka-throughput",
  // No claim: a JVM that is warm, and a topic in zstd, tell another ratio.
  claim:
    "what one core does from Kafka to Kafka, exactly once, beside Kafka Streams, with young processes and an uncompressed topic",
  holds: null,
  figures,
  facts: {
    stations: STATIONS,
    partitions: PARTITIONS,
    records: anyLoad?.records ?? 0,
    bytesPerRecord: Math.round((anyLoad?.bytes ?? 0) / (anyLoad?.records ?? 1)),
    broker: "Kafka 4.4.0, KRaft, one node, on core 0; the engine on core 1",
    kafkaStreams: "4.4.0, in-memory stores with changelogs, caching, SerialGC, -Xmx1g",
    kafkajs: "2.2.4, one transaction per batch",
  },
});
