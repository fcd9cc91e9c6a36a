/** Whether a station can be used, in a word. Only what is out of the ordinary is marked. */
import type { VNode } from "preact";
import type { Station } from "../../../src/http/api-types.ts";
import type { Text } from "../text/en.ts";
import { usePage } from "./page-context.ts";

type Flags = Pick<Station, "is_installed" | "is_renting" | "is_returning">;

/** What keeps people from using the station; empty when nothing is known to. */
function troubles(station: Flags, text: Text): string[] {
  if (station.is_installed === false) return [text.notInstalled];
  const found: string[] = [];
  if (station.is_renting === false) found.push(text.notRenting);
  if (station.is_returning === false) found.push(text.notReturning);
  return found;
}

export function StationStatus({ station, quiet = false }: { station: Flags; quiet?: boolean }): VNode | null {
  const { text } = usePage().words;
  const found = troubles(station, text);
  if (found.length > 0) {
    return (
      <>
        {found.map((word) => (
          <span key={word} class="chip chip-warning">
            {word}
          </span>
        ))}
      </>
    );
  }
  if (quiet) return null;
  const known = station.is_installed !== null || station.is_renting !== null;
  return <span class="chip">{known ? text.open : text.statusUnknown}</span>;
}
