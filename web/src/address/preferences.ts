/** What this reader chose on this machine: language and appearance. Kept in the browser only; may be unavailable. */
import { chooseLanguage, LANGUAGES, type Language } from "../text/format.ts";

export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

/** The address's `lang` is as good as the switch: it is kept, since what is opened next no longer names it. */
export function preferredLanguage(): Language {
  const named = LANGUAGES.find((language) => language === new URLSearchParams(location.search).get("lang"));
  if (named !== undefined) {
    keep("language", named);
    return named;
  }
  const kept = read("language");
  return LANGUAGES.find((language) => language === kept) ?? chooseLanguage(navigator.languages);
}

export function preferredTheme(): Theme {
  const kept = read("theme");
  return THEMES.find((theme) => theme === kept) ?? "auto";
}

export function keep(name: "language" | "theme", value: string): void {
  try {
    localStorage.setItem(`velostream.${name}`, value);
  } catch {
    // Storage is off (private window, policy): the choice holds until the page is closed.
  }
}

function read(name: string): string | null {
  try {
    return localStorage.getItem(`velostream.${name}`);
  } catch {
    return null;
  }
}
