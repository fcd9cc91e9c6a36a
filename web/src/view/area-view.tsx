/** One area: its totals, its history, its stations. */
import type { VNode } from "preact";
import type { Station } from "../../../src/http/api-types.ts";
import { Age } from "./age.tsx";
import { stationName } from "./area-order.ts";
import { Figures } from "./figures.tsx";
import { HistoryChart } from "./history-chart.tsx";
import { Link, toAreas } from "./link.tsx";
import { useLive, usePage } from "./page-context.ts";
import { PanelHeading } from "./panel-heading.tsx";
import { StationTable } from "./station-table.tsx";

export function AreaView({ area: key }: { readonly area: string }): VNode {
  const { words } = usePage();
  const { text } = words;
  const { state } = useLive(
    (change) =>
      change.systems || change.areas === "all" || change.areas.has(key) || change.stations === "all",
  );
  const area = state.areas.get(key);
  const system = area === undefined ? undefined : state.systems.get(area.system_id);
  return (
    <section class="detail" aria-labelledby="panel-heading">
      <Link to={toAreas} class="back">
        {text.backToAreas}
      </Link>
      <PanelHeading name={area?.postcode ?? key} over={system?.name ?? text.area} />
      {area === undefined ? (
        <p class="nothing">{state.loaded ? text.gone(key) : text.loading}</p>
      ) : (
        <>
          <Figures
            total={area.nbr_total}
            electric={area.nbr_elec}
            mechanical={area.nbr_meca}
            docks={area.docks}
          />
          <p class="muted facts-line">
            {text.renting(words.count(area.stations_renting), words.count(area.stations))}
            {area.capacity === null ? null : ` · ${text.capacityOf(words.count(area.capacity))}`}
            {area.stations_without_split > 0
              ? ` · ${text.unsplit(words.count(area.stations_without_split))}`
              : null}
            {" · "}
            {text.lastChange} <Age atMs={area.as_of} />
          </p>
          <HistoryChart
            key={key}
            subject={{ kind: "area", key }}
            name={area.postcode}
            timezone={system?.timezone ?? null}
          />
          <h3>
            {text.stations} <span class="muted">{words.count(area.stations)}</span>
          </h3>
          <StationTable
            stations={stationsOf(state.stations.values(), key, (a, b) => words.compare(a, b))}
            caption={text.stationsCaption(area.postcode)}
          />
        </>
      )}
    </section>
  );
}

function stationsOf(
  stations: Iterable<Station>,
  area: string,
  compare: (a: string, b: string) => number,
): Station[] {
  const found: Station[] = [];
  for (const station of stations) if (station.area_key === area) found.push(station);
  return found.sort((a, b) => compare(stationName(a), stationName(b)));
}
