/** The dashboard and the alert rules ask only for metrics that exist, by labels that they have, in the right way. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import type { MetricRow } from "../../../src/telemetry/metric-row.ts";
import { METRICS } from "../../../src/telemetry/metric-table.ts";
import { createMetrics } from "../../../src/telemetry/metrics.ts";

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

const root = new URL("../../../infra/", import.meta.url);
const dashboard = JSON.parse(readFileSync(new URL("grafana/velostream.json", root), "utf8")) as {
  panels: Panel[];
};
const rules = parse(readFileSync(new URL("prometheus/alerts.yml", root), "utf8")) as {
  groups: {
    rules: {
      alert: string;
      expr: string;
      for: string;
      labels: object;
      annotations: Record<string, string>;
    }[];
  }[];
};
const alerts = rules.groups.flatMap((group) => group.rules);

const expressions = [
  ...dashboard.panels.flatMap(({ title, targets }) =>
    (targets ?? []).map(({ expr, legendFormat }) => ({ where: title, expr, text: legendFormat })),
  ),
  ...alerts.map(({ alert, expr, annotations }) => ({
    where: alert,
    expr,
    text: Object.values(annotations).join(" "),
  })),
];

/** Labels that Prometheus itself adds. */
const OWN_LABELS = ["instance", "job", "le"];
const table: Readonly<Record<string, MetricRow>> = METRICS;
const node = new Set(
  (await createMetrics({ process: true }).registry.getMetricsAsJSON()).map(({ name }) => name),
);

interface Use {
  readonly metric: string;
  readonly row: MetricRow | null;
  /** Names of the nodes around it, innermost first. */
  readonly within: readonly string[];
  readonly matchers: readonly string[];
}

/** Every metric an expression names, with its matchers and what is around it. */
function usesOf(expr: string): { uses: Use[]; grouped: string[] } {
  // Grafana's variables stand for durations and texts.
  const text = expr.replaceAll("$__rate_interval", "5m").replaceAll("$system", ".*");
  const uses: Use[] = [];
  const grouped: string[] = [];
  parser.parse(text).iterate({
    enter: (ref) => {
      assert.ok(!ref.type.isError, `not PromQL at ${ref.from}: ${text}`);
      const slice = text.slice(ref.from, ref.to);
      if (ref.name === "GroupingLabels") grouped.push(...slice.slice(1, -1).split(/\s*,\s*/));
      if (ref.name !== "VectorSelector") return;
      const metric = /^\w+/.exec(slice)?.[0] ?? "";
      const base = metric in table ? metric : metric.replace(/_(bucket|sum|count)$/, "");
      const within: string[] = [];
      for (let parent = ref.node.parent; parent !== null; parent = parent.parent) {
        const outer = text.slice(parent.from, parent.to);
        if (parent.name === "FunctionCall") within.push(/^\w+/.exec(outer)?.[0] ?? "");
      }
      const matchers = [...slice.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)].map(([, label]) => label ?? "");
      uses.push({ metric, row: table[base] ?? null, within, matchers });
    },
  });
  return { uses, grouped };
}

for (const { where, expr, text } of expressions) {
  test(`"${where}" asks for what exists: ${expr.slice(0, 60)}`, () => {
    const { uses, grouped } = usesOf(expr);
    assert.ok(uses.length > 0);
    const labels = new Set(OWN_LABELS);
    for (const { metric, row, within, matchers } of uses) {
      if (row === null) {
        assert.ok(node.has(metric) || metric === "up", `no metric ${metric}`);
        continue;
      }
      for (const label of row.labels) labels.add(label);
      for (const label of matchers) assert.ok(row.labels.includes(label), `${metric} has no label ${label}`);
      const rated = within.some((name) => ["rate", "increase"].includes(name));
      if (row.kind === "counter") assert.ok(rated, `${metric} is a counter: rate() or increase()`);
      if (row.kind === "gauge") assert.ok(!rated, `${metric} is a gauge: no rate()`);
      if (row.kind === "histogram") {
        assert.match(metric, /_(bucket|sum|count)$/);
        assert.ok(rated);
        if (metric.endsWith("_bucket"))
          assert.ok(within.includes("histogram_quantile") && grouped.includes("le"));
      }
    }
    for (const label of grouped) assert.ok(labels.has(label), `nothing here has a label ${label}`);
    // What a legend or a sentence shows must have survived the grouping.
    for (const [, label = ""] of text.matchAll(/\{\{\s*(?:\$labels\.)?(\w+)\s*\}\}/g)) {
      assert.ok(
        grouped.length === 0 ? labels.has(label) : grouped.includes(label),
        `{{${label}}} is not left`,
      );
    }
  });
}

test("panels do not overlap and fill their rows", () => {
  const taken = new Set<string>();
  for (const { title, gridPos } of dashboard.panels) {
    assert.ok(gridPos.x + gridPos.w <= 24, title);
    for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
      for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
        assert.ok(!taken.has(`${x},${y}`), `${title} lies on another panel`);
        taken.add(`${x},${y}`);
      }
    }
  }
  const height = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h));
  assert.equal(taken.size, 24 * height);
});

test("every alert waits before it calls, says how bad it is, what is seen and what to do", () => {
  const names = new Set<string>();
  for (const alert of alerts) {
    assert.ok(!names.has(alert.alert));
    names.add(alert.alert);
    assert.match(alert.for, /^\d+m$/, alert.alert);
    assert.match((alert.labels as { severity: string }).severity, /^(critical|warning|info)$/);
    assert.deepEqual(Object.keys(alert.annotations), ["summary", "action"]);
  }
});
