/** Electric against mechanical as one bar; the numbers are beside it or in its label, so colour is never alone. */
import type { VNode } from "preact";
import { usePage } from "./page-context.ts";

interface Counts {
  readonly nbr_total: number;
  readonly nbr_elec: number | null;
  readonly nbr_meca: number | null;
}

export function SplitBar({ nbr_total: total, nbr_elec: electric, nbr_meca: mechanical }: Counts): VNode {
  const { words } = usePage();
  const known = electric !== null && mechanical !== null;
  const label = known
    ? words.text.splitOf(words.count(electric), words.count(mechanical))
    : words.text.splitUnknown;
  const whole = Math.max(total, (electric ?? 0) + (mechanical ?? 0), 1);
  const electricEnd = known ? (100 * electric) / whole : 0;
  const mechanicalEnd = known ? electricEnd + (100 * mechanical) / whole : 0;
  return (
    <svg class="split" role="img" viewBox="0 0 100 8" preserveAspectRatio="none">
      <title>{label}</title>
      <rect class="split-rest" width="100" height="8" />
      {known && total > 0 ? (
        <>
          <rect class="split-mechanical" x={electricEnd} width={mechanicalEnd - electricEnd} height="8" />
          <rect class="split-electric" width={electricEnd} height="8" />
        </>
      ) : null}
    </svg>
  );
}
