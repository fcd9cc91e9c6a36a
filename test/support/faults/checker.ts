/**
 * The independent checker: reads both topics with Kafka's own console consumer, read-committed, and recounts.
 * It shares no code with the pipeline: records are parsed and summed here.
 */
import { type RunningBroker, runTool } from "../../../infra/kafka/broker.ts";
import { kafkaClassPath, NEWEST } from "../../../infra/kafka/jars.ts";

interface ConsoleRecord {
  readonly partition: number;
  readonly offset: number;
  readonly through: string | null;
  readonly key: string;
  readonly value: string | null;
}

export interface CheckReport {
  readonly rawRecords: number;
  readonly totalsRecords: number;
  /** Final table: area → `total,electric,mechanical,stations`. */
  readonly finalTable: ReadonlyMap<string, string>;
  /** One sentence per violation; empty when all is well. */
  readonly problems: readonly string[];
}

interface RawValue {
  postcode: string;
  nbr_total: number;
  nbr_elec: number;
  nbr_meca: number;
  observed_at: number;
  retired?: boolean;
}

const SEPARATOR = "\u001f";

export async function check(
  broker: RunningBroker,
  rawTopic: string,
  totalsTopic: string,
): Promise<CheckReport> {
  // Of the newest version, whatever the broker's: 2.6.0's prints neither offsets nor headers.
  const classPath = await kafkaClassPath(NEWEST, () => {});
  const raw = consume(classPath, broker, rawTopic);
  const totals = consume(classPath, broker, totalsTopic);
  const problems: string[] = [];
  const seen = new Map<string, { partition: number; offset: number }>();
  const finalTable = new Map<string, string>();
  const recount = new PrefixRecount(raw);
  for (const { partition, offset, through, key, value } of totals) {
    const where = `totals ${partition}:${offset} (${key})`;
    const match = /^(\d+):(\d+)(?::.+)?$/.exec(through ?? "");
    if (match === null) {
      problems.push(`${where} has no through header`);
      continue;
    }
    const at = { partition: Number(match[1]), offset: Number(match[2]) };
    const before = seen.get(key);
    if (before !== undefined && before.partition === at.partition && at.offset <= before.offset)
      problems.push(
        `${where} covers ${at.partition}:${at.offset}, already ${before.offset} was published: ${at.offset === before.offset ? "twice" : "backwards"}`,
      );
    seen.set(key, at);
    if (value === null) {
      finalTable.delete(key);
      continue;
    }
    const fields = JSON.parse(value) as Record<string, unknown>;
    const said = [fields["nbr_total"], fields["nbr_elec"], fields["nbr_meca"], fields["stations"]].join(",");
    const counted = recount.at(at.partition, at.offset).get(key);
    if (said !== counted)
      problems.push(
        `${where} says ${said}, the prefix up to ${at.partition}:${at.offset} counts ${counted ?? "nothing"}`,
      );
    finalTable.set(key, said);
  }
  for (const [area, counted] of recount.all())
    if (finalTable.get(area) !== counted)
      problems.push(
        `the last totals of ${area} are ${finalTable.get(area) ?? "missing"}, all records count ${counted}`,
      );
  return { rawRecords: raw.length, totalsRecords: totals.length, finalTable, problems };
}

/** Sums per area over growing prefixes of each partition; totals come roughly in order, so this stays cheap. */
class PrefixRecount {
  readonly #partitions = new Map<
    number,
    { records: ConsoleRecord[]; next: number; latest: Map<string, RawValue> }
  >();

  constructor(raw: readonly ConsoleRecord[]) {
    for (const [partition, records] of Map.groupBy(raw, (record) => record.partition))
      this.#partitions.set(partition, {
        records: records.sort((a, b) => a.offset - b.offset),
        next: 0,
        latest: new Map(),
      });
  }

  at(partition: number, offset: number): ReadonlyMap<string, string> {
    const state = this.#partitions.get(partition);
    if (state === undefined) return new Map();
    const last = state.records[state.next - 1];
    if (last !== undefined && last.offset > offset) {
      state.next = 0;
      state.latest.clear();
    }
    for (let record = state.records[state.next]; record !== undefined; record = state.records[state.next]) {
      if (record.offset > offset) break;
      if (record.value === null) state.latest.delete(record.key);
      else {
        const value = JSON.parse(record.value) as RawValue;
        if (value.observed_at >= (state.latest.get(record.key)?.observed_at ?? 0))
          state.latest.set(record.key, value);
      }
      state.next += 1;
    }
    return sums([state.latest]);
  }

  all(): ReadonlyMap<string, string> {
    for (const partition of this.#partitions.keys()) this.at(partition, Number.MAX_SAFE_INTEGER);
    return sums([...this.#partitions.values()].map(({ latest }) => latest));
  }
}

function sums(latests: readonly ReadonlyMap<string, RawValue>[]): ReadonlyMap<string, string> {
  const areas = new Map<string, [number, number, number, number]>();
  for (const latest of latests)
    for (const value of latest.values()) {
      if (value.retired === true) continue;
      const [total, elec, meca, stations] = areas.get(value.postcode) ?? [0, 0, 0, 0];
      areas.set(value.postcode, [
        total + value.nbr_total,
        elec + value.nbr_elec,
        meca + value.nbr_meca,
        stations + 1,
      ]);
    }
  return new Map([...areas].map(([area, sum]) => [area, sum.join(",")]));
}

function consume(classPath: string, broker: RunningBroker, topic: string): ConsoleRecord[] {
  const properties = [
    "print.partition=true",
    "print.offset=true",
    "print.headers=true",
    "print.key=true",
    `key.separator=${SEPARATOR}`,
  ];
  const output = runTool(
    classPath,
    NEWEST,
    "org.apache.kafka.tools.consumer.ConsoleConsumer",
    [
      "--bootstrap-server",
      broker.brokers.join(","),
      "--topic",
      topic,
      "--from-beginning",
      "--isolation-level",
      "read_committed",
      "--timeout-ms",
      "4000",
      ...properties.flatMap((property) => ["--property", property]),
    ],
    { timeoutMs: 120_000 },
  );
  return output
    .split("\n")
    .filter((line) => line.startsWith("Partition:"))
    .map((line) => {
      const [partition = "", offset = "", headers = "", key = "", ...rest] = line.split(SEPARATOR);
      const value = rest.join(SEPARATOR);
      return {
        partition: Number(partition.replace("Partition:", "")),
        offset: Number(offset.replace("Offset:", "")),
        through: /(?:^|,)through:([^,]+)/.exec(headers)?.[1] ?? null,
        key,
        value: value === "null" ? null : value,
      };
    });
}
