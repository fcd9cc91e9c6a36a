/** A list of stations with their counts. */
import type { VNode } from "preact";
import type { Station } from "../../../src/http/api-types.ts";
import { stationName } from "./area-order.ts";
import { Link, toStation } from "./link.tsx";
import { usePage } from "./page-context.ts";
import { StationStatus } from "./station-status.tsx";

interface StationTableProps {
  readonly stations: readonly Station[];
  readonly caption: string;
  readonly withArea?: boolean;
}

export function StationTable({ stations, caption, withArea = false }: StationTableProps): VNode {
  const { words } = usePage();
  const { text } = words;
  return (
    <table class="stations">
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{text.station}</th>
          <th scope="col" class="numeric">
            {text.total}
          </th>
          <th scope="col" class="numeric column-electric">
            <abbr title={text.electric}>{text.electricShort}</abbr>
          </th>
          <th scope="col" class="numeric column-mechanical">
            <abbr title={text.mechanical}>{text.mechanicalShort}</abbr>
          </th>
          <th scope="col" class="numeric">
            <abbr title={text.docks}>{text.docksShort}</abbr>
          </th>
        </tr>
      </thead>
      <tbody>
        {stations.map((station) => (
          <tr key={station.key}>
            <th scope="row">
              <Link to={toStation(station.key)} class="row-link">
                {stationName(station)}
              </Link>
              {withArea ? <small>{station.postcode}</small> : null}
              <StationStatus station={station} quiet />
            </th>
            <td class="numeric strong">{words.count(station.nbr_total)}</td>
            <td class="numeric column-electric">{words.count(station.nbr_elec)}</td>
            <td class="numeric column-mechanical">{words.count(station.nbr_meca)}</td>
            <td class="numeric">{words.count(station.nbr_docks)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
