/**
 * The rows of systems.csv: those that can be used, each under an id of its own, and why the others cannot.
 *
 *   row ─▶ a URL that can be asked? ── no ─▶ unusable, named by its line
 *               │ yes
 *               └─▶ an id that no other row has? ─▶ that; else with its town: `ONE-OPERATOR.north`
 */
import { parse as parseCsv } from "csv-parse/sync";
import { folded, type CatalogueSystem } from "../domain/catalogue.ts";
import { redactUrl } from "../telemetry/redact.ts";

/** The catalogue has 1,520 systems; far more are no catalogue. */
const MOST_SYSTEMS = 50_000;

export interface CatalogueRows {
  readonly systems: readonly CatalogueSystem[];
  /** One sentence a row, from "line 3 (…): …" on. */
  readonly unusable: readonly string[];
}

type Row = Readonly<Record<string, string | undefined>>;

/** Reads systems.csv. What is no catalogue has no systems. */
export function parseCatalogue(text: string): CatalogueRows {
  let rows: readonly { readonly record: Row; readonly info: { readonly lines: number } }[];
  try {
    rows = parseCsv(text.replace(/^\uFEFF/, ""), {
      columns: true,
      trim: true,
      relax_column_count: true,
      relax_quotes: true,
      skip_empty_lines: true,
      info: true,
      to: MOST_SYSTEMS,
    }) as unknown as typeof rows;
  } catch {
    return { systems: [], unusable: [] };
  }
  const unusable: string[] = [];
  const systems = new Map<string, CatalogueSystem>();
  for (const { record, info } of rows) {
    const system = systemOf(record);
    // A row that says nothing, or has not the catalogue's columns, is none.
    if (system.listedId === "" && system.discoveryUrl === "") continue;
    const refused = problemOf(system);
    if (refused !== null)
      unusable.push(`line ${info.lines} (${nameOf(system)}): ${refused} It is left out; tell MobilityData.`);
    // The same system twice is one.
    else systems.set(`${system.listedId} ${system.discoveryUrl}`, system);
  }
  return { systems: apart([...systems.values()]), unusable };
}

function systemOf(row: Row): CatalogueSystem {
  const listedId = row["System ID"] ?? "";
  return {
    systemId: listedId,
    listedId,
    name: row["Name"] ?? listedId,
    location: row["Location"] ?? "",
    countryCode: row["Country Code"] ?? "",
    discoveryUrl: row["Auto-Discovery URL"] ?? "",
    versions: (row["Supported Versions"] ?? "").split(";").flatMap((text) => text.trim() || []),
    authenticated: (row["Authentication Type"] ?? "") !== "" && row["Authentication Type"] !== "0",
  };
}

/** Why a row cannot be used; null when it can. */
function problemOf({ listedId, discoveryUrl: url }: CatalogueSystem): string | null {
  if (url === "") return "it has no URL.";
  if (listedId === "") return "it has no system id.";
  const shown = redactUrl(url.slice(0, 200));
  if (!/^https?:\/\//i.test(url)) return `its URL "${shown}" does not begin with https://.`;
  const parsed = URL.parse(url);
  if (parsed === null || /\s/.test(url)) return `its URL "${shown}" is malformed.`;
  return null;
}

function nameOf({ listedId, name, location }: CatalogueSystem): string {
  return [listedId, name, location]
    .filter((text) => text !== "")
    .join(", ")
    .slice(0, 120);
}

/** Gives rows that share an id one each: by their town, where that tells them apart, else by their number. */
function apart(systems: readonly CatalogueSystem[]): CatalogueSystem[] {
  const taken = new Set<string>();
  const uses = Map.groupBy(systems, ({ listedId }) => listedId);
  const apart = systems.map((system) => {
    const shared = (uses.get(system.listedId) ?? []).length > 1;
    const town = folded(system.location).replaceAll(" ", "-");
    const own = shared ? `${system.listedId}.${town === "" ? "other" : town}` : system.listedId;
    let systemId = own;
    for (let n = 2; taken.has(systemId); n += 1) systemId = `${own}.${n}`;
    taken.add(systemId);
    return { ...system, systemId };
  });
  return apart;
}
