/** All areas: searchable, sortable, live. Also the map's text alternative. */
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useState } from "preact/hooks";
import type { Area } from "../../../src/http/api-types.ts";
import type { Column } from "../address/address.ts";
import { Age } from "./age.tsx";
import { orderAreas } from "./area-order.ts";
import { trustIn } from "./freshness.ts";
import { Link, toArea } from "./link.tsx";
import { areasChange, useAddress, useLive, usePage } from "./page-context.ts";
import { pacedRow, ROLE, useDigits, type KeepRow } from "./paced-row.tsx";
import { Sparkline } from "./sparkline.tsx";
import { SplitBar } from "./split-bar.tsx";

/** More rows than this are drawn only when asked for. */
const ROWS_AT_FIRST = 200;
/** The first picture has as many rows as a tall screen shows; the others follow, some each frame. */
const ROWS_IN_FIRST_FRAME = 24;
const MORE_ROWS_PER_FRAME = 24;

export function AreaTable(): VNode | null {
  const { words, store } = usePage();
  const { text } = words;
  useLive(areasChange);
  const address = useAddress();
  const [all, setAll] = useState(false);
  useKeptFocus();
  const areas = orderAreas(
    store.state.areas.values(),
    address.query,
    address.sort,
    address.descending,
    words,
  );
  const digits = useDigits(
    areas.flatMap((area) => [area.nbr_total, area.docks]),
    words,
  );
  if (areas.length === 0) return null;
  const shown = all ? areas : areas.slice(0, ROWS_AT_FIRST);
  const drawn = useGrowing(shown.length);
  const systems = store.state.systems;
  const nowMs = store.now();
  const staleSystems = new Set<string>();
  for (const system of systems.values()) {
    if (trustIn(system, nowMs) === "stale") staleSystems.add(system.system_id);
  }
  return (
    <>
      <table class="rows areas" {...ROLE.table} style={{ "--digits": digits }}>
        <caption class="visually-hidden">{text.areasCaption}</caption>
        <thead {...ROLE.group}>
          <tr {...ROLE.row}>
            <Header column="area" name={text.area} />
            <Header column="total" name={text.total} numeric />
            <Header column="electric" name={text.electricShort} full={text.electric} numeric />
            <Header column="mechanical" name={text.mechanicalShort} full={text.mechanical} numeric />
            <th scope="col" {...ROLE.columnHeader} class="column-split">
              {text.split}
            </th>
            <Header column="docks" name={text.docksShort} full={text.docks} numeric />
            <th scope="col" {...ROLE.columnHeader} class="column-trend">
              {text.trend}
            </th>
            <Header column="changed" name={text.changed} numeric />
          </tr>
        </thead>
        <tbody {...ROLE.group}>
          {shown.slice(0, drawn).map((area) => (
            <Row
              key={area.key}
              area={area}
              system={systems.size > 1 ? (systems.get(area.system_id)?.name ?? area.system_id) : null}
              stale={staleSystems.has(area.system_id)}
              // Redrawn with the row; a row without change keeps its line.
              minute={Math.floor(nowMs / 60_000)}
            />
          ))}
        </tbody>
      </table>
      {shown.length < areas.length ? (
        <button type="button" class="quiet wide" onClick={() => setAll(true)}>
          {text.showAll(words.count(areas.length))}
        </button>
      ) : null}
    </>
  );
}

/** How many rows a page that has just been opened draws by now: all of `count` after some frames. */
let drawnRows = ROWS_IN_FIRST_FRAME;

function useGrowing(count: number): number {
  const [, render] = useState(drawnRows);
  useEffect(() => {
    if (drawnRows >= count) return undefined;
    const frame = requestAnimationFrame(() => {
      drawnRows += MORE_ROWS_PER_FRAME;
      render(drawnRows);
    });
    return () => cancelAnimationFrame(frame);
  });
  return drawnRows;
}

/** A row that changes its place would lose the keyboard's focus, because the browser takes it out and puts it in again. */
function useKeptFocus(): void {
  const before = document.activeElement;
  useLayoutEffect(() => {
    if (before instanceof HTMLElement && before.dataset["row"] !== undefined && before.isConnected) {
      before.focus({ preventScroll: true });
    }
  });
}

interface HeaderProps {
  readonly column: Column;
  readonly name: string;
  readonly full?: string;
  readonly numeric?: boolean;
}

function Header({ column, name, full = name, numeric = false }: HeaderProps): VNode {
  const { navigation, words } = usePage();
  const { sort, descending } = useAddress();
  const active = sort === column;
  // Numbers are first wanted from the top, names from A.
  const next = active ? !descending : numeric;
  return (
    <th
      scope="col"
      {...ROLE.columnHeader}
      class={`column-${column}${numeric ? " numeric" : ""}`}
      aria-sort={active ? (descending ? "descending" : "ascending") : undefined}
    >
      <button
        type="button"
        title={words.text.sortBy(full)}
        onClick={() => navigation.adjust({ sort: column, descending: next })}
      >
        {full === name ? name : <abbr title={full}>{name}</abbr>}
        <span class="arrow" aria-hidden="true">
          {active ? (descending ? "↓" : "↑") : ""}
        </span>
      </button>
    </th>
  );
}

interface RowProps {
  readonly area: Area;
  /** Named when there are several. */
  readonly system: string | null;
  /** The trend moves on with it. */
  readonly minute: number;
  readonly stale: boolean;
}

const Row = pacedRow<RowProps>(Cells);

function Cells({ area, system, stale, keep }: RowProps & { readonly keep: KeepRow }): VNode {
  const { words, store } = usePage();
  const nowMs = store.now();
  return (
    <tr ref={keep} {...ROLE.row} class={stale ? "stale-row" : undefined}>
      <th scope="row" {...ROLE.rowHeader}>
        <Link to={toArea(area.key)} class="row-link" title={area.postcode} row={area.key}>
          {area.postcode}
        </Link>
        {system === null ? null : <small>{system}</small>}
      </th>
      <td {...ROLE.cell} class="numeric strong">
        {words.count(area.nbr_total)}
      </td>
      <td {...ROLE.cell} class="numeric column-electric">
        {words.count(area.nbr_elec)}
      </td>
      <td {...ROLE.cell} class="numeric column-mechanical">
        {words.count(area.nbr_meca)}
      </td>
      <td {...ROLE.cell} class="column-split">
        <SplitBar {...area} />
      </td>
      <td {...ROLE.cell} class="numeric">
        {words.count(area.docks)}
      </td>
      <td {...ROLE.cell} class="column-trend">
        <Sparkline
          trend={store.areasSeen.trendOf(area.key)}
          sinceMs={store.seenSinceMs ?? nowMs}
          nowMs={nowMs}
        />
      </td>
      <td {...ROLE.cell} class="numeric age column-changed">
        <Age atMs={area.as_of} ago={false} />
      </td>
    </tr>
  );
}
