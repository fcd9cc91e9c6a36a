/** The panel's first face: what the whole system has, the search, the areas, the stations found. */
import { useId } from "preact/hooks";
import type { VNode } from "preact";
import { Alerts, alertsFor } from "./alerts.tsx";
import { AreaTable } from "./area-table.tsx";
import { findStations, orderAreas } from "./area-order.ts";
import { Figures } from "./figures.tsx";
import { Link, toFeeds } from "./link.tsx";
import { areasChange, useAddress, useLive, usePage } from "./page-context.ts";
import { StationTable } from "./station-table.tsx";

const STATIONS_SHOWN = 20;

export function AreasView(): VNode {
  const { words, navigation, store } = usePage();
  const { text } = words;
  const { state } = useLive(areasChange);
  const { query } = useAddress();
  const searchId = useId();
  const sums = sumUp(state.areas.values());
  const { found, matched } = findStations(state.stations.values(), query, STATIONS_SHOWN);
  const noArea = query !== "" && orderAreas(state.areas.values(), query, "area", false, words).length === 0;
  return (
    <section class="areas-view" aria-labelledby="areas-heading">
      <header class="panel-head">
        <h2 id="areas-heading" tabIndex={-1}>
          {text.areas}
        </h2>
        {state.loaded ? (
          <p class="muted">
            {text.areasCount(words.count(state.areas.size), state.areas.size !== 1)}
            {" · "}
            {text.stationsCount(words.count(state.stations.size), state.stations.size !== 1)}
          </p>
        ) : null}
      </header>
      {[...state.systems.values()].map((system) => (
        <Alerts
          key={system.system_id}
          alerts={alertsFor(system, null, store.now())}
          from={system.name ?? system.system_id}
        />
      ))}
      {state.areas.size > 0 ? <Figures {...sums} /> : <Nothing loaded={state.loaded} />}
      {state.areas.size > 0 ? (
        <div class="search">
          <label for={searchId} class="visually-hidden">
            {text.search}
          </label>
          <input
            id={searchId}
            type="search"
            value={query}
            placeholder={text.searchHint}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => navigation.adjust({ query: event.currentTarget.value })}
          />
        </div>
      ) : null}
      {noArea && matched === 0 && state.areas.size > 0 ? (
        <p class="nothing" role="status">
          {text.noMatch(query)}
        </p>
      ) : null}
      <AreaTable />
      {matched > 0 ? (
        <section class="found" aria-labelledby="found-heading">
          <h3 id="found-heading">
            {text.matchingStations} <span class="muted">{words.count(matched)}</span>
          </h3>
          <StationTable stations={found} caption={text.matchingStations} withArea />
          {matched > found.length ? (
            <p class="muted">{text.moreStations(words.count(matched - found.length))}</p>
          ) : null}
        </section>
      ) : null}
    </section>
  );
}

function Nothing({ loaded }: { readonly loaded: boolean }): VNode {
  const { text } = usePage().words;
  if (loaded) {
    return (
      <div class="nothing">
        <p>{text.empty}</p>
        <p>
          <Link to={toFeeds}>{text.feedsTitle}</Link>
        </p>
      </div>
    );
  }
  return (
    <div class="loading" role="status">
      <p>{text.loading}</p>
      <div class="bones" aria-hidden="true">
        {[0, 1, 2, 3, 4, 5].map((bone) => (
          <span key={bone} />
        ))}
      </div>
    </div>
  );
}

/** Totals over the areas; null where no area knows. */
function sumUp(
  areas: Iterable<{
    nbr_total: number;
    nbr_elec: number | null;
    nbr_meca: number | null;
    docks: number | null;
  }>,
): {
  total: number;
  electric: number | null;
  mechanical: number | null;
  docks: number | null;
} {
  const sum = {
    total: 0,
    electric: null as number | null,
    mechanical: null as number | null,
    docks: null as number | null,
  };
  for (const area of areas) {
    sum.total += area.nbr_total;
    if (area.nbr_elec !== null) sum.electric = (sum.electric ?? 0) + area.nbr_elec;
    if (area.nbr_meca !== null) sum.mechanical = (sum.mechanical ?? 0) + area.nbr_meca;
    if (area.docks !== null) sum.docks = (sum.docks ?? 0) + area.docks;
  }
  return sum;
}
