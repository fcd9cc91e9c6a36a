/** One station: what it holds, how full it is, its history, and what it says of itself. */
import type { VNode } from "preact";
import type { Station } from "../../../src/http/api-types.ts";
import { Alerts, alertsFor } from "./alerts.tsx";
import { Age } from "./age.tsx";
import { stationName } from "./area-order.ts";
import { CapacityBar } from "./capacity-bar.tsx";
import { Figures } from "./figures.tsx";
import { HistoryChart } from "./history-chart.tsx";
import { Link, toArea, toAreas } from "./link.tsx";
import { useLive, usePage } from "./page-context.ts";
import { PanelHeading } from "./panel-heading.tsx";
import { StationStatus } from "./station-status.tsx";

export function StationView({ station: key }: { readonly station: string }): VNode {
  const { words, store } = usePage();
  const { text } = words;
  const { state } = useLive(
    (change) => change.systems || change.stations === "all" || change.stations.has(key),
  );
  const station = state.stations.get(key);
  if (station === undefined) {
    return (
      <section class="detail" aria-labelledby="panel-heading">
        <Link to={toAreas} class="back">
          {text.backToAreas}
        </Link>
        <PanelHeading name={key} over={text.station} />
        <p class="nothing">{state.loaded ? text.gone(key) : text.loading}</p>
      </section>
    );
  }
  const system = state.systems.get(station.system_id);
  const name = stationName(station);
  return (
    <section class="detail" aria-labelledby="panel-heading">
      <Link to={toArea(station.area_key)} class="back">
        {text.backToArea(station.postcode)}
      </Link>
      <PanelHeading name={name} over={system?.name ?? text.station}>
        <p class="chips">
          <StationStatus station={station} />
        </p>
      </PanelHeading>
      <Alerts
        alerts={alertsFor(system, station.station_id, store.now())}
        from={system?.name ?? station.system_id}
      />
      <Figures
        total={station.nbr_total}
        electric={station.nbr_elec}
        mechanical={station.nbr_meca}
        docks={station.nbr_docks}
        split={station.capacity === null || station.capacity === 0}
      />
      <CapacityBar station={station} />
      <HistoryChart
        key={key}
        subject={{ kind: "station", key }}
        name={name}
        timezone={system?.timezone ?? null}
      />
      <Facts station={station} checkedAtMs={system?.observed_at ?? null} />
    </section>
  );
}

function Facts({ station, checkedAtMs }: { station: Station; checkedAtMs: number | null }): VNode {
  const { words } = usePage();
  const { text } = words;
  const { lat, lon, capacity, last_reported: lastReportedMs, station_code: code } = station;
  return (
    <dl class="facts">
      <dt>{text.capacity}</dt>
      <dd>{capacity === null ? text.notSaid : text.capacityOf(words.count(capacity))}</dd>
      <dt>{text.area}</dt>
      <dd>
        <Link to={toArea(station.area_key)}>{station.postcode}</Link>
      </dd>
      <dt>{text.checked}</dt>
      <dd>{checkedAtMs === null ? text.unknown : <Age atMs={checkedAtMs} />}</dd>
      <dt>{text.lastChange}</dt>
      <dd>
        <Age atMs={station.observed_at} />
      </dd>
      <dt>{text.lastReport}</dt>
      <dd>
        {lastReportedMs === null ? text.notSaid : <Age atMs={lastReportedMs} />}
        <small>{text.lastReportWhy}</small>
      </dd>
      <dt>{text.code}</dt>
      <dd>{code ?? station.station_id}</dd>
      <dt>{text.position}</dt>
      <dd>{lat === null || lon === null ? text.noPosition : `${lat.toFixed(5)}, ${lon.toFixed(5)}`}</dd>
    </dl>
  );
}
