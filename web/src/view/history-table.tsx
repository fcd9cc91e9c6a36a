/** A chart's numbers as text, newest first, for those who cannot or do not want to see the chart. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { ChartData } from "./history-data.ts";
import { usePage } from "./page-context.ts";

const ROWS = 60;

interface HistoryTableProps {
  readonly data: ChartData;
  readonly timezone: string | null;
  readonly nowMs: number;
}

export function HistoryTable({ data, timezone, nowMs }: HistoryTableProps): VNode | null {
  const { words } = usePage();
  const { text } = words;
  const [open, setOpen] = useState(false);
  const points = data.at.map((_at, index) => index).reverse();
  if (points.length === 0) return null;
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{text.asTable}</summary>
      {open ? (
        <table>
          <thead>
            <tr>
              <th scope="col">{text.time}</th>
              <th scope="col" class="numeric">
                {text.total}
              </th>
              <th scope="col" class="numeric">
                {text.electric}
              </th>
              <th scope="col" class="numeric">
                {text.mechanical}
              </th>
            </tr>
          </thead>
          <tbody>
            {points.slice(0, ROWS).map((index) => (
              <tr key={data.at[index]}>
                <th scope="row">{words.time((data.at[index] ?? 0) * 1000, nowMs, timezone)}</th>
                <td class="numeric">{words.mean(data.total[index] ?? null)}</td>
                <td class="numeric">{words.mean(data.electric[index] ?? null)}</td>
                <td class="numeric">{words.mean(data.mechanical[index] ?? null)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      ) : null}
    </details>
  );
}
