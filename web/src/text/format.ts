/** Numbers, ages and times as people of each language write them. */
import { en, type Text } from "./en.ts";
import { fr } from "./fr.ts";

export const LANGUAGES = ["fr", "en"] as const;
export type Language = (typeof LANGUAGES)[number];

const TEXTS: Readonly<Record<Language, Text>> = { en, fr };
/** British English: 24-hour times, day before month. */
const LOCALES: Readonly<Record<Language, string>> = { en: "en-GB", fr: "fr-FR" };
const DAY_SUFFIX: Readonly<Record<Language, string>> = { en: "d", fr: "j" };

/** What of an instant is written. */
const TIME_PARTS = {
  time: { hour: "2-digit", minute: "2-digit" },
  date: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  day: { day: "numeric", month: "short" },
  year: { day: "numeric", month: "short", year: "numeric" },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** The first of the reader's languages that the page speaks; English when none is. */
export function chooseLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const primary = tag.toLowerCase().split("-")[0];
    const found = LANGUAGES.find((language) => language === primary);
    if (found !== undefined) return found;
  }
  return "en";
}

/** Everything that turns data into words, in one language. */
export class Words {
  readonly language: Language;
  readonly text: Text;
  readonly #integer: Intl.NumberFormat;
  readonly #decimal: Intl.NumberFormat;
  readonly #percent: Intl.NumberFormat;
  readonly #collator: Intl.Collator;
  readonly #units = new Map<string, Intl.NumberFormat>();
  readonly #times = new Map<string, Intl.DateTimeFormat>();

  constructor(language: Language) {
    const locale = LOCALES[language];
    this.language = language;
    this.text = TEXTS[language];
    this.#integer = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
    this.#decimal = new Intl.NumberFormat(locale, { maximumFractionDigits: 1 });
    this.#percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
    this.#collator = new Intl.Collator(locale, { numeric: true, sensitivity: "base" });
  }

  /** A count; a dash where the feed does not say. */
  count(value: number | null): string {
    return value === null ? this.text.notSaid : this.#integer.format(value);
  }

  /** A mean, with at most one decimal. */
  mean(value: number | null): string {
    return value === null ? this.text.notSaid : this.#decimal.format(value);
  }

  percent(share: number): string {
    return this.#percent.format(share);
  }

  /** `812 kB`, `25.4 MB`. */
  bytes(value: number): string {
    const [unit, size] =
      value < 1e6
        ? (["kilobyte", 1e3] as const)
        : value < 1e9
          ? (["megabyte", 1e6] as const)
          : (["gigabyte", 1e9] as const);
    const key = `unit ${unit}`;
    let format = this.#units.get(key);
    if (format === undefined) {
      format = new Intl.NumberFormat(LOCALES[this.language], {
        style: "unit",
        unit,
        unitDisplay: "short",
        maximumFractionDigits: value < 1e6 ? 0 : 1,
      });
      this.#units.set(key, format);
    }
    return format.format(value / size);
  }

  /** `8 s`, `3 min`, `2 h`, `4 d`: one unit, rounded down. Never negative: clocks differ a little. */
  duration(ms: number): string {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 60) return `${seconds} s`;
    const minutes = Math.floor(seconds / 60);
    if (minutes < 60) return `${minutes} min`;
    const hours = Math.floor(minutes / 60);
    if (hours < 48) return `${hours} h`;
    return `${this.#integer.format(Math.floor(hours / 24))} ${DAY_SUFFIX[this.language]}`;
  }

  ago(ms: number): string {
    return ms < 1000 ? this.text.justNow : this.text.ago(this.duration(ms));
  }

  /** Time of day, with the date unless it is within the last 20 hours. */
  time(atMs: number, nowMs: number, timezone: string | null): string {
    const near = Math.abs(nowMs - atMs) < 20 * 3_600_000;
    return this.#timeFormat(timezone, near ? "time" : "date").format(atMs);
  }

  /** A day with its year, with the time instead within the last 20 hours: of when old data is. */
  day(atMs: number, nowMs: number, timezone: string | null): string {
    const near = Math.abs(nowMs - atMs) < 20 * 3_600_000;
    return this.#timeFormat(timezone, near ? "date" : "year").format(atMs);
  }

  /** A mark of a time axis: the time of day, at midnight the date. */
  tick(atMs: number, timezone: string | null): string {
    const time = this.#timeFormat(timezone, "time").format(atMs);
    return time === "00:00" ? this.#timeFormat(timezone, "day").format(atMs) : time;
  }

  compare(a: string, b: string): number {
    return this.#collator.compare(a, b);
  }

  #timeFormat(timezone: string | null, kind: keyof typeof TIME_PARTS): Intl.DateTimeFormat {
    const key = `${kind} ${timezone ?? ""}`;
    let format = this.#times.get(key);
    if (format === undefined) {
      format = new Intl.DateTimeFormat(LOCALES[this.language], { ...TIME_PARTS[kind], ...zone(timezone) });
      this.#times.set(key, format);
    }
    return format;
  }
}

/** A feed's timezone as Intl takes it; a name Intl does not know falls back to the reader's own zone. */
function zone(timezone: string | null): { timeZone?: string } {
  if (timezone === null) return {};
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: timezone }).resolvedOptions();
    return { timeZone };
  } catch {
    return {};
  }
}

/** Lower case without accents, for searching. */
export function fold(text: string): string {
  return text
    .normalize("NFD")
    .replaceAll(/\p{Mark}/gu, "")
    .toLowerCase();
}
