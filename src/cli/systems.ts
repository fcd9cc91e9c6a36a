/** `velostream systems [TEXT]`: search the catalogue of public GBFS systems. */
import Table from "cli-table3";
import { searchSystems, type CatalogueSystem } from "../domain/catalogue.ts";
import { EXIT } from "../errors.ts";
import { CATALOGUE_ATTRIBUTION } from "../feed/catalogue.ts";
import type { Command, CommandContext } from "./command.ts";
import { CACHES_ONLY } from "./option-texts.ts";
import { plainText } from "../telemetry/plain-text.ts";
import { feedClient, openCatalogue } from "../stages/collect/open-feeds.ts";

/** Rows shown on a terminal; a pipe gets all. */
const SHOWN = 50;

export const systems: Command = {
  usage: "[TEXT] [options]",
  description:
    "Searches the catalogue of public bike-share systems by name, place, country or id, accents or not. The first column is what --feed takes. The catalogue is fetched once a day and kept.",
  examples: [
    { command: "velostream systems montréal", does: "systems in and around Montréal" },
    { command: "velostream systems bicing", does: "one system; then: velostream run --feed bike_barcelona" },
    { command: "velostream systems oslo --json", does: "as NDJSON" },
  ],
  options: [
    "json",
    "catalogue",
    "contact",
    "data-dir",
    "max-requests",
    "allow-private-addresses",
    "allow-insecure-http",
  ],
  optionTexts: { "data-dir": CACHES_ONLY },
  positionals: [0, 10],
  run,
};

async function run(context: CommandContext): Promise<number> {
  const { terminal, settings, positionals, signal } = context;
  const client = feedClient(context);
  try {
    const catalogue = openCatalogue(context, client);
    const all = await catalogue.load(signal);
    const found = searchSystems(all, positionals.join(" "));
    if (settings.json) {
      for (const system of found) await terminal.json(`${JSON.stringify(jsonOf(system))}\n`);
    } else if (terminal.interactive) {
      await terminal.out(tableOf(found.slice(0, SHOWN), context));
      if (found.length > SHOWN)
        terminal.err(`… and ${found.length - SHOWN} more: name a place, or use --json.\n`);
    } else {
      for (const system of found) await terminal.out(`${columnsOf(system).join("\t")}\n`);
    }
    if (found.length === 0)
      terminal.err(`No system of the catalogue holds "${positionals.join(" ")}". Try fewer words.\n`);
    const unusable = catalogue.unusableRows;
    const rows = unusable === 1 ? "1 row is" : `${unusable} rows are`;
    terminal.err(
      `${found.length} of ${all.length} systems${unusable === 0 ? "" : `; ${rows} of no use`}. ${CATALOGUE_ATTRIBUTION}.\n`,
    );
    return EXIT.done;
  } finally {
    await client.close();
  }
}

function jsonOf(system: CatalogueSystem): Record<string, unknown> {
  return {
    system_id: system.systemId,
    name: system.name,
    location: system.location,
    country_code: system.countryCode,
    url: system.discoveryUrl,
    versions: system.versions,
    authenticated: system.authenticated,
  };
}

function columnsOf(system: CatalogueSystem): string[] {
  const versions = `${system.versions.join(" ")}${system.authenticated ? " (credentials)" : ""}`;
  // The catalogue is a stranger's text: a name must not begin a row or a column of its own.
  return [system.systemId, system.name, system.location, system.countryCode, versions].map(plainText);
}

function tableOf(found: readonly CatalogueSystem[], { terminal }: CommandContext): string {
  if (found.length === 0) return "";
  const head = ["system", "name", "place", "country", "versions"];
  const table = new Table({
    head: head.map((text) => terminal.style("bold", text)),
    style: { head: [], border: [], compact: true },
    chars: NO_LINES,
  });
  for (const system of found) table.push(columnsOf(system));
  return `${table.toString()}\n`;
}

const NO_LINES = Object.fromEntries(
  [
    "top",
    "top-mid",
    "top-left",
    "top-right",
    "bottom",
    "bottom-mid",
    "bottom-left",
    "bottom-right",
    "left",
    "left-mid",
    "mid",
    "mid-mid",
    "right",
    "right-mid",
    "middle",
  ].map((name) => [name, name === "middle" ? "  " : ""]),
);
