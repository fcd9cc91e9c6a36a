/** The row of big numbers over a table or a detail. */
import type { VNode } from "preact";
import { usePage } from "./page-context.ts";
import { SplitBar } from "./split-bar.tsx";

interface FiguresProps {
  readonly total: number;
  readonly electric: number | null;
  readonly mechanical: number | null;
  readonly docks: number | null;
  /** @default true */
  readonly split?: boolean;
}

export function Figures({ total, electric, mechanical, docks, split = true }: FiguresProps): VNode {
  const { words } = usePage();
  const { text } = words;
  return (
    <div class="figures">
      <dl>
        <Figure name={text.total} value={words.count(total)} kind="total" />
        <Figure
          name={text.electric}
          value={words.count(electric)}
          kind="electric"
          unknown={electric === null}
        />
        <Figure
          name={text.mechanical}
          value={words.count(mechanical)}
          kind="mechanical"
          unknown={mechanical === null}
        />
        <Figure name={text.docks} value={words.count(docks)} kind="docks" unknown={docks === null} />
      </dl>
      {split ? <SplitBar nbr_total={total} nbr_elec={electric} nbr_meca={mechanical} /> : null}
    </div>
  );
}

interface FigureProps {
  readonly name: string;
  readonly value: string;
  readonly kind: string;
  readonly unknown?: boolean;
}

function Figure({ name, value, kind, unknown = false }: FigureProps): VNode {
  const { words } = usePage();
  return (
    <div class={`figure figure-${kind}`}>
      <dt>{name}</dt>
      <dd title={unknown ? words.text.notSaidWhy : undefined}>{value}</dd>
    </div>
  );
}
