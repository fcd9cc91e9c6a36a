/** The publisher's notices to riders, while they hold: those of one station, or those of the whole system. */
import type { VNode } from "preact";
import type { System } from "../../../src/http/api-types.ts";
import { usePage } from "./page-context.ts";

export type Alert = NonNullable<System["alerts"]>[number];

/** Notices that hold at `nowMs`; of one station by its id, or (null) those that name no station. */
export function alertsFor(system: System | undefined, stationId: string | null, nowMs: number): Alert[] {
  return (system?.alerts ?? []).filter(
    ({ start, end, station_ids: stations, summary }) =>
      summary !== null &&
      (start === null || start <= nowMs) &&
      (end === null || end > nowMs) &&
      (stationId === null ? stations.length === 0 : stations.includes(stationId)),
  );
}

export function Alerts({ alerts, from }: { alerts: readonly Alert[]; from: string }): VNode | null {
  const { words } = usePage();
  const { text } = words;
  if (alerts.length === 0) return null;
  return (
    <ul class="alerts" aria-label={text.alertsOf(from)}>
      {alerts.map(({ alert_id: id, summary }) => (
        <li key={id}>
          <b>{from}</b> {summary}
        </li>
      ))}
    </ul>
  );
}
