/** A list of stations with their counts. */
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Station } from "../../../src/http/api-types.ts";
import { stationName } from "./area-order.ts";
import { Link, toStation } from "./link.tsx";
import { usePage } from "./page-context.ts";
import { pacedRow, ROLE, useDigits, type KeepRow } from "./paced-row.tsx";
import { StationStatus } from "./station-status.tsx";

/** More rows than this are drawn only when asked for. */
const ROWS_AT_FIRST = 200;

interface StationTableProps {
  readonly stations: readonly Station[];
  readonly caption: string;
  readonly withArea?: boolean;
}

export function StationTable({ stations, caption, withArea = false }: StationTableProps): VNode {
  const { words } = usePage();
  const { text } = words;
  const [all, setAll] = useState(false);
  const digits = useDigits(
    stations.flatMap((station) => [station.nbr_total, station.nbr_docks]),
    words,
  );
  const shown = all ? stations : stations.slice(0, ROWS_AT_FIRST);
  return (
    <>
      <table class="rows stations" {...ROLE.table} style={{ "--digits": digits }}>
        <caption class="visually-hidden">{caption}</caption>
        <thead {...ROLE.group}>
          <tr {...ROLE.row}>
            <th scope="col" {...ROLE.columnHeader}>
              {text.station}
            </th>
            <th scope="col" {...ROLE.columnHeader} class="numeric">
              {text.total}
            </th>
            <th scope="col" {...ROLE.columnHeader} class="numeric column-electric">
              <abbr title={text.electric}>{text.electricShort}</abbr>
            </th>
            <th scope="col" {...ROLE.columnHeader} class="numeric column-mechanical">
              <abbr title={text.mechanical}>{text.mechanicalShort}</abbr>
            </th>
            <th scope="col" {...ROLE.columnHeader} class="numeric">
              <abbr title={text.docks}>{text.docksShort}</abbr>
            </th>
          </tr>
        </thead>
        <tbody {...ROLE.group}>
          {shown.map((station) => (
            <Row key={station.key} station={station} withArea={withArea} />
          ))}
        </tbody>
      </table>
      {shown.length < stations.length ? (
        <button type="button" class="quiet wide" onClick={() => setAll(true)}>
          {text.showAllStations(words.count(stations.length))}
        </button>
      ) : null}
    </>
  );
}

interface RowProps {
  readonly station: Station;
  readonly withArea: boolean;
}

const Row = pacedRow<RowProps>(Cells);

function Cells({ station, withArea, keep }: RowProps & { readonly keep: KeepRow }): VNode {
  const { words } = usePage();
  return (
    <tr ref={keep} {...ROLE.row}>
      <th scope="row" {...ROLE.rowHeader}>
        <Link to={toStation(station.key)} class="row-link">
          {stationName(station)}
        </Link>
        {withArea ? <small>{station.postcode}</small> : null}
        <StationStatus station={station} quiet />
      </th>
      <td {...ROLE.cell} class="numeric strong">
        {words.count(station.nbr_total)}
      </td>
      <td {...ROLE.cell} class="numeric column-electric">
        {words.count(station.nbr_elec)}
      </td>
      <td {...ROLE.cell} class="numeric column-mechanical">
        {words.count(station.nbr_meca)}
      </td>
      <td {...ROLE.cell} class="numeric">
        {words.count(station.nbr_docks)}
      </td>
    </tr>
  );
}
