/**
 * What a publisher or a user wrote as an area or postal code, as one spelling of one area; and what stands for none.
 *
 *   " 75 001 ", "75001.0", "F-75001", "10001-1234" ─▶ 75001, 10001        "SW1A 1AA", "1012 AB" ─▶ as they are
 *   "", "-", "N/A", "null", "none", "0" ─▶ no area
 */

/** Longer texts are no postal codes, and no keys that anyone wants. */
const LONGEST_AREA = 100;
/** What programs write for nothing, in small letters. */
const NOTHING = new Set(["n/a", "n.a.", "na", "nan", "nil", "none", "null", "undefined", "unknown"]);
/** Nothing but punctuation: a dash, a dot, a question mark. */
const PUNCTUATION = /^[\p{P}\p{S}\s]*$/u;

/** Trimmed text that can name an area; null for what stands for none. */
export function areaName(text: string | null): string | null {
  if (text === null) return null;
  // Two ways to write é are one name, and a no-break space is a space.
  const name = text.normalize("NFC").replace(/\s+/gu, " ").trim();
  if (name.length > LONGEST_AREA || PUNCTUATION.test(name) || NOTHING.has(name.toLowerCase())) return null;
  return name;
}

/** As `areaName`, of what is a postal code: zeros are none, and French and US codes have one spelling. */
export function postcodeName(text: string | null): string | null {
  const name = areaName(text);
  return name === null || /^[0.]+$/.test(name) ? null : oneSpelling(name);
}

function oneSpelling(name: string): string {
  // A spreadsheet's number; a French code in two groups, or with its country; a US code with its delivery route.
  const digits =
    /^(\d{4,5})\.0+$/.exec(name) ??
    /^(?:FR?[- ]?)(\d{5})$/i.exec(name) ??
    /^(\d{5})-\d{4}$/.exec(name) ??
    /^(\d{2} \d{3})$/.exec(name);
  return digits?.[1]?.replace(" ", "") ?? name;
}
