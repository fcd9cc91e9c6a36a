/** How full an area is, in seven classes from empty to full: what the map's ground is coloured by. Pure. */
import type { Area } from "../../../src/http/api-types.ts";
import type { Measure } from "../address/address.ts";

/** Upper ends of all classes but the last, as shares of the capacity; the middle one is balanced. */
const ENDS = [0.1, 0.25, 0.4, 0.6, 0.75, 0.9] as const;

export const SHARE_CLASSES = ENDS.length + 1;

const FIELD = {
  total: "nbr_total",
  electric: "nbr_elec",
  mechanical: "nbr_meca",
  docks: "docks",
} as const satisfies Record<Measure, keyof Area>;

/** The count of an area that is shown; null where the feed does not say. */
export function countOf(area: Area, measure: Measure): number | null {
  return area[FIELD[measure]];
}

/** The class of an area; null where its count or its capacity is not known. */
export function shareClass(area: Area | undefined, measure: Measure): number | null {
  if (area === undefined || area.capacity === null || area.capacity <= 0) return null;
  const count = countOf(area, measure);
  if (count === null) return null;
  const index = ENDS.findIndex((end) => count / (area.capacity ?? 1) < end);
  return index === -1 ? ENDS.length : index;
}
