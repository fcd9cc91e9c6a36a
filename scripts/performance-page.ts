/** docs/performance.md, its plots and the README's sentence about speed: made from bench/results, by `npm run docs`. */
import { readdirSync, readFileSync } from "node:fs";
import type { Figure, Report } from "../bench/support/report.ts";
import { type Bar, barPlot, shortNumber } from "./bar-plot.ts";

interface Result extends Report {
  readonly velostream: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGiB: number;
    readonly node: string;
  };
  readonly measuredAt: string;
}

const ROOT = new URL("../", import.meta.url);
const START = "<!-- performance: made by `npm run docs` from bench/results -->";
const END = "<!-- /performance -->";

/** What the figures alone do not say, by bench. */
const NOTES: Readonly<Record<string, string>> = {
  "aggregate-in-process":
    "`JSON.parse` makes an object of every field; the scan (`src/record/raw-record-scan.ts`) checks the same bytes and keeps ten fields, so it may be faster than the limit it is compared with. Profile before: `decodeRawRecord` 34 %, text from bytes 8 %, sums 7 %. After: the scan 65 %, sums 8 %, garbage 5 %. Since then the scan compares the names of fields with those of the record before instead of finding each, four bytes at once: a third faster.",
  "kafka-throughput":
    "The peers' processes are young here and the topic is not compressed: warmed with 3.6 million records, others measured a ratio of 1.2 to 1.7 to Kafka Streams, and of 0.9 to 1.1 on a topic in zstd. The ratio below is not to be quoted until it is measured warm. All engines read the same bytes from the same four partitions and their final tables are compared with a recount, field by field; all read committed records only. Rates are per second of the engine's own processor time, which neighbours on the machine change little; wall-clock rates are in the table too. “KTable” is the documented way (table, groupBy, aggregate with subtract and add, caching): it needs a repartition topic, so every record goes through the broker twice. “Own processor” is what an expert writes instead: it relies on the raw topic being partitioned by area, as velostream does. kafkajs keeps its state in memory only and loses it at a restart; the naive script counts each area anew for each record and waits for every acknowledgement. A profile of our worker while it is busy: a third of the time is the scan of the values, a fifth garbage collection, a sixth joining the network's chunks, an eighth the record batches. Before the fast paths it took 14 µs a record (docs/decisions/0080).",
  "kafka-options":
    "velostream has no at-least-once mode; what exactly once costs Kafka Streams is in the table above. With both cores shared by broker and workers, a second worker brings only what the broker leaves.",
  memory:
    "Restoring three million stations into one process is no recommendation: partitions and workers share them.",
  "end-to-end-latency":
    "The wait for the next poll is excluded: it is the feed's, and `--interval`'s. At 10,000 changes a second each poll is a file of ten thousand stations (3 MB), and parsing, comparing and publishing it is most of the latency.",
};

/** Plots: which figures of which bench, and how they are labelled. */
const PLOTS: readonly {
  readonly bench: string;
  readonly title: string;
  readonly unit: string;
  readonly figures: RegExp;
  readonly ours: RegExp;
}[] = [
  {
    bench: "kafka-throughput",
    title: "Kafka to Kafka, one core",
    unit: "records per core-second",
    figures: /^(.*): records per core-second$/,
    ours: /^velostream/,
  },
  {
    bench: "end-to-end-latency",
    title: "Feed to event stream, p99",
    unit: "ms",
    figures: /^(.*): p99$/,
    ours: /./,
  },
  {
    bench: "memory",
    title: "Memory of the aggregate",
    unit: "bytes a station",
    figures: /^(.*): bytes a station$/,
    ours: /./,
  },
];

/** Path in the repository → content. */
export function performancePages(): ReadonlyMap<string, string> {
  const results = readResults();
  const pages = new Map<string, string>();
  for (const { bench, title, unit, figures, ours } of PLOTS) {
    const bars = (results.get(bench)?.figures ?? []).flatMap((figure): Bar[] => {
      const label = figures.exec(figure.name)?.[1];
      return label === undefined ? [] : [{ ...figure, label, ours: ours.test(label) }];
    });
    if (bars.length > 0) pages.set(`docs/images/${bench}.svg`, barPlot(title, unit, bars));
  }
  pages.set("docs/performance.md", page(results, pages));
  pages.set("README.md", readme(results));
  return pages;
}

function readResults(): Map<string, Result> {
  const folder = new URL("bench/results/", ROOT);
  const names = readdirSync(folder)
    .filter((name) => name.endsWith(".json"))
    .sort();
  return new Map(
    names.map((name) => {
      const result = JSON.parse(readFileSync(new URL(name, folder), "utf8")) as Result;
      return [result.name, result] as const;
    }),
  );
}

function page(results: ReadonlyMap<string, Result>, plots: ReadonlyMap<string, string>): string {
  const lines = [
    "# Performance",
    "<!-- Made by `npm run docs` from bench/results; run `npm run bench -- NAME` to measure anew, do not edit. -->",
    "",
    "Every claim, what was measured, and where others are better. The method is in [bench/README.md](../bench/README.md);",
    "why the fast paths look as they do, in [decision 0080](decisions/0080-raw-bytes.md). The machine has two cores and was",
    "shared with other work: ratios are worth more than absolute figures, and processor time more than wall time.",
    "",
    "| claim | |",
    "| --- | --- |",
  ];
  for (const { name, claim, holds } of results.values())
    lines.push(
      `| [${claim}](#${name}) | ${holds === null ? "for information" : holds ? "holds" : "**does not hold**"} |`,
    );
  for (const result of results.values()) lines.push(...section(result, plots));
  return `${lines.join("\n")}\n`;
}

function section(result: Result, plots: ReadonlyMap<string, string>): string[] {
  const { name, claim, figures, facts = {}, machine, measuredAt, holds } = result;
  const lines = [
    "",
    `## ${name}`,
    "",
    `Claim: ${claim}. ${holds === false ? "It does not hold in this run." : ""}`.trim(),
    "",
  ];
  if (plots.has(`docs/images/${name}.svg`)) lines.push(`![${name}](images/${name}.svg)`, "");
  if (NOTES[name] !== undefined) lines.push(NOTES[name], "");
  lines.push("| figure | median | least to greatest | runs |", "| --- | ---: | ---: | ---: |");
  for (const figure of figures) lines.push(row(figure));
  const told = Object.entries(facts).map(([fact, value]) => `${fact}: ${value}`);
  lines.push(
    "",
    `${told.join("; ")}${told.length > 0 ? ". " : ""}${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Node ${machine.node.slice(1)}, ${measuredAt.slice(0, 10)}.`,
  );
  return lines;
}

function row({ name, unit, median, min, max, runs }: Figure): string {
  const spread = runs > 1 ? `${shortNumber(min)} to ${shortNumber(max)}` : "";
  return `| ${name} | ${shortNumber(median)} ${unit} | ${spread} | ${runs} |`;
}

/** The README with its marked block made anew; as it is where it has none. */
function readme(results: ReadonlyMap<string, Result>): string {
  const text = readFileSync(new URL("README.md", ROOT), "utf8");
  const start = text.indexOf(START);
  const end = text.indexOf(END);
  if (start < 0 || end < start) return text;
  return `${text.slice(0, start)}${START}\n\n${sentence(results)}\n\n${text.slice(end)}`;
}

function sentence(results: ReadonlyMap<string, Result>): string {
  const find = (bench: string, name: string): Figure | undefined =>
    results.get(bench)?.figures.find((figure) => figure.name === name);
  const parts: string[] = [];
  const kafka = find("kafka-throughput", "velostream, exactly once: records per core-second");
  if (kafka !== undefined)
    parts.push(
      `One core aggregates ${rounded(kafka.median)} records a second from Kafka to Kafka, exactly once`,
    );
  const inProcess = find(
    "aggregate-in-process",
    "aggregate ÷ JSON.parse, records per core-second, pair by pair",
  );
  if (inProcess !== undefined)
    parts.push(
      `in process it takes ${shortNumber(Number(inProcess.median.toPrecision(2)))} times the records that \`JSON.parse\` alone takes`,
    );
  const latency = find("end-to-end-latency", "memory log, 100 changes/s: p99");
  const throughKafka = find("end-to-end-latency", "Kafka, 100 changes/s: p99");
  if (latency !== undefined && throughKafka !== undefined)
    parts.push(
      `a change is in a client of the event stream ${shortNumber(latency.median)} ms after the feed's answer, ${shortNumber(throughKafka.median)} ms through Kafka (p99 at 100 changes a second)`,
    );
  const all = parts.join("; ");
  return `${all.charAt(0).toUpperCase()}${all.slice(1)}. [How that was measured, beside its peers](docs/performance.md).`;
}

/** Two significant digits: what a shared machine supports. */
function rounded(value: number): string {
  return Number(value.toPrecision(2)).toLocaleString("en");
}
