/** Names of systems under the clusters that hold them, where there are several systems: a map's expression for the style. */
import type { ExpressionSpecification } from "maplibre-gl";
import type { System } from "../../../src/http/api-types.ts";

/** What the style needs to know of the systems; null while there is only one, whose name the header says. */
export interface SystemNames {
  readonly names: Readonly<Record<string, string>>;
  readonly stations: Readonly<Record<string, number>>;
}

export function systemNames(systems: ReadonlyMap<string, System>): SystemNames | null {
  if (systems.size < 2) return null;
  const names: Record<string, string> = {};
  const stations: Record<string, number> = {};
  for (const { system_id: id, name, stations: count } of systems.values()) {
    names[id] = name ?? id;
    stations[id] = count;
  }
  return { names, stations };
}

/** Stands behind the first system of a cluster that holds several. */
const OTHERS = "…";
const SYSTEM: ExpressionSpecification = ["get", "system"];

/** How clusters gather the property `system`: the id while all stations have the same, else the first one and OTHERS. */
export const clusterSystem = [
  [
    "case",
    ["==", ["accumulated"], SYSTEM],
    ["accumulated"],
    ["==", ["slice", ["accumulated"], -1], OTHERS],
    ["accumulated"],
    ["concat", ["accumulated"], OTHERS],
  ],
  SYSTEM,
] as const;

/** The text under a cluster. A system whose stations are spread over many clusters is named at most once: under its half. */
export function systemLabel(systems: SystemNames | null): ExpressionSpecification | string {
  if (systems === null) return "";
  const isMixed: ExpressionSpecification = ["==", ["slice", ["var", "system"], -1], OTHERS];
  const first: ExpressionSpecification = [
    "case",
    isMixed,
    ["slice", ["var", "system"], 0, -1],
    ["var", "system"],
  ];
  const name: ExpressionSpecification = [
    "coalesce",
    ["get", ["var", "id"], ["literal", systems.names]],
    ["var", "id"],
  ];
  const half: ExpressionSpecification = [
    "/",
    ["coalesce", ["get", ["var", "id"], ["literal", systems.stations]], 0],
    2,
  ];
  const label: ExpressionSpecification = [
    "case",
    ["<=", ["get", "point_count"], half],
    "",
    isMixed,
    ["concat", name, " ", OTHERS],
    name,
  ];
  return ["let", "system", ["to-string", SYSTEM], ["let", "id", first, label]];
}
