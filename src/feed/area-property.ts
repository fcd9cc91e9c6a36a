/**
 * Which property of GeoJSON features names the area, when the user names none.
 *
 *   a word for areas (postcode …) ─▶ that        a usual name or code that differs in every feature ─▶ that
 *   any other that is called a name or code and differs in every feature ─▶ that      a usual name that does not ─▶ that
 *
 * Several features may share a postcode: parts of one area. Of other properties the one that is shared is that of
 * something larger, as `c_ar` is in a file of quarters.
 */
const WORDS_FOR_AREAS = ["area", "postcode", "post_code", "postal_code", "code_postal", "zip", "zipcode"];
const USUAL_NAMES = ["code", "c_ar", "name", "nom", "id"];
/** `l_qu`, `nom_com`, `NAME_1`, `label_en`: names before codes, for people read them. */
const CALLED_NAME = /^(l|lib|libelle|label|name|nom|title|titre)([_\d]|$)|(^|_)(name|nom|label|libelle)$/i;
const CALLED_CODE = /^(c|code|id|insee|nr|no|num|ref)([_\d]|$)|(^|_)(code|id|insee|key)$/i;

type Properties = Readonly<Record<string, unknown>>;

/** @returns null when none is likely */
export function areaProperty(features: readonly Properties[]): string | null {
  const everywhere = Object.keys(features[0] ?? {}).filter((name) =>
    features.every((each) => isName(each[name])),
  );
  const called = (word: string): string | undefined => everywhere.find((name) => name.toLowerCase() === word);
  const differs = (name: string | undefined): name is string =>
    name !== undefined && new Set(features.map((each) => String(each[name]).trim())).size === features.length;
  const usual = USUAL_NAMES.map(called);
  return (
    WORDS_FOR_AREAS.map(called).find((name) => name !== undefined) ??
    usual.find(differs) ??
    everywhere.find((name) => CALLED_NAME.test(name) && differs(name)) ??
    everywhere.find((name) => CALLED_CODE.test(name) && differs(name)) ??
    usual.find((name) => name !== undefined) ??
    null
  );
}

function isName(value: unknown): boolean {
  return typeof value === "number" || typeof value === "string";
}
