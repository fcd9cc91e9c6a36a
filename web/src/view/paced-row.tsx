/** Rows of long tables: drawn anew only when what they show changed, and out of sight only when their turn comes. */
import { Component, type ComponentClass, type FunctionComponent, type VNode } from "preact";
import { useRef } from "preact/hooks";
import type { Words } from "../text/format.ts";
import { RowPace } from "./row-pace.ts";

/** The roles of a table's parts, said because some browsers forget them where `display` is not a table's. */
export const ROLE = {
  table: { role: "table" },
  group: { role: "rowgroup" },
  row: { role: "row" },
  columnHeader: { role: "columnheader" },
  rowHeader: { role: "rowheader" },
  cell: { role: "cell" },
} as const;

/** Is given the row's element while there is one. */
export type KeepRow = (element: Element | null) => void;

const pace = new RowPace();

/** A row of the cells that `Cells` draws; `Cells` gives its element to `keep`. */
export function pacedRow<Props extends object>(
  Cells: FunctionComponent<Props & { readonly keep: KeepRow }>,
): ComponentClass<Props> {
  return class PacedRow extends Component<Props> {
    #element: Element | null = null;
    readonly #keep: KeepRow = (element) => {
      if (element !== null) pace.follow(this, element);
      else if (this.#element !== null) pace.leave(this, this.#element);
      this.#element = element;
    };

    override shouldComponentUpdate(next: Props): boolean {
      return !sameProps(this.props, next) && pace.mayDraw(this);
    }

    override render(): VNode {
      return <Cells {...this.props} keep={this.#keep} />;
    }
  };
}

/**
 * How long the longest of `counts` is in writing: every row's columns are as wide as that needs. It never shrinks, so
 * that a number going back and forth over a thousand does not lay out the whole table each time.
 */
export function useDigits(counts: readonly (number | null)[], words: Words): number {
  const digits = useRef(0);
  const largest = counts.reduce<number>((most, count) => Math.max(most, count ?? 0), 0);
  digits.current = Math.max(digits.current, words.count(largest).length);
  return digits.current;
}

function sameProps(a: object, b: object): boolean {
  return Object.entries(a).every(([name, value]) => (b as Record<string, unknown>)[name] === value);
}
