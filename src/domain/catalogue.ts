/** The catalogue of public GBFS systems, searched as people write: without accents, in any order of words. Pure. */

/** One system of the catalogue. */
export interface CatalogueSystem {
  /** Unique in the catalogue. */
  readonly systemId: string;
  /** As the catalogue has it: several towns of one operator may share it. */
  readonly listedId: string;
  readonly name: string;
  readonly location: string;
  readonly countryCode: string;
  /** Of its gbfs.json. */
  readonly discoveryUrl: string;
  readonly versions: readonly string[];
  /** Needs credentials of one's own. */
  readonly authenticated: boolean;
}

/** Lower case, no accents, no punctuation: `Montréal` and `montreal` are one word. */
export function folded(text: string): string {
  return text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/ß/g, "ss")
    .replace(/ø/g, "o")
    .replace(/æ/g, "ae")
    .replace(/œ/g, "oe")
    .replace(/ł/g, "l")
    .replace(/['’`]/g, "")
    .replace(/[^\p{L}\p{N}]+/gu, " ")
    .trim();
}

/** Systems that hold every word of `text` in name, place, country or id; the closest first. */
export function searchSystems(systems: readonly CatalogueSystem[], text: string): CatalogueSystem[] {
  const words = folded(text)
    .split(" ")
    .filter((word) => word !== "");
  const wanted = words.join(" ");
  const ranked = systems.flatMap((system) => {
    const [name, place, id] = [folded(system.name), folded(system.location), folded(system.systemId)];
    const all = ` ${name} ${place} ${id} ${system.countryCode.toLowerCase()}`;
    if (!words.every((word) => all.includes(word))) return [];
    const rank =
      name === wanted || id === wanted
        ? 0
        : place === wanted
          ? 1
          : name.startsWith(wanted) || id.startsWith(wanted)
            ? 2
            : words.every((word) => all.includes(` ${word}`))
              ? 3
              : 4;
    return [{ system, rank }];
  });
  ranked.sort((a, b) => a.rank - b.rank || a.system.name.localeCompare(b.system.name));
  return ranked.map(({ system }) => system);
}

/** The systems that a name can mean, best first: one is an answer, several are a question. */
export function systemsNamed(systems: readonly CatalogueSystem[], name: string): CatalogueSystem[] {
  const byId = systems.filter(({ systemId }) => systemId === name);
  if (byId.length === 1) return byId;
  const wanted = folded(name);
  const exact = systems.filter(
    ({ systemId, listedId, name: own }) =>
      folded(systemId) === wanted || folded(listedId) === wanted || folded(own) === wanted,
  );
  if (exact.length > 0) return exact;
  return wanted === "" ? [] : searchSystems(systems, name);
}
