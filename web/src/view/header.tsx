/** Name, systems, whether the data is real, live and fresh; language and appearance. */
import type { VNode } from "preact";
import { THEMES, type Theme } from "../address/preferences.ts";
import { LANGUAGES, type Language } from "../text/format.ts";
import { isLost, oldestAgeMs, oldestContent, trustIn } from "./freshness.ts";
import { Link, toAreas, toFeeds } from "./link.tsx";
import { systemsChange, useAddress, useLive, usePage, useTicking } from "./page-context.ts";

/** More names than this are a number; the feeds' page has them all. */
const MOST_NAMES = 3;

interface HeaderProps {
  readonly language: Language;
  readonly theme: Theme;
  readonly onLanguage: (language: Language) => void;
  readonly onTheme: (theme: Theme) => void;
}

export function Header({ language, theme, onLanguage, onTheme }: HeaderProps): VNode {
  const { words } = usePage();
  const { text } = words;
  const { state } = useLive(systemsChange);
  const { feeds } = useAddress();
  const systems = [...state.systems.values()];
  const names = systems.map((system) => system.name ?? system.system_id).join(", ");
  const shown = systems.length > MOST_NAMES ? text.systemsCount(words.count(systems.length)) : names;
  return (
    <header class="top">
      <h1>
        <Link to={{ ...toAreas, view: null, query: "" }} class="brand">
          <Logo />
          <span class="brand-name">{text.title}</span>
        </Link>
      </h1>
      {names === "" ? null : (
        <p class="systems" title={names}>
          {shown}
        </p>
      )}
      {systems.some((system) => system.simulated) ? (
        <p class="chip chip-simulated" title={text.simulatedWhy}>
          {text.simulated}
        </p>
      ) : null}
      <div class="top-end">
        <Pulse />
        <Link to={toFeeds} class="quiet feeds-link" current={feeds}>
          {text.feeds}
          <Warnings />
        </Link>
        <label class="choice">
          <span class="visually-hidden">{text.theme}</span>
          <select
            value={theme}
            onChange={(event) => {
              const chosen = THEMES.find((name) => name === event.currentTarget.value);
              if (chosen !== undefined) onTheme(chosen);
            }}
          >
            {THEMES.map((name) => (
              <option key={name} value={name}>
                {text.themes[name]}
              </option>
            ))}
          </select>
        </label>
        <div class="segments languages" role="group" aria-label={text.language}>
          {LANGUAGES.map((choice) => (
            <button
              key={choice}
              type="button"
              lang={choice}
              aria-pressed={choice === language}
              onClick={() => onLanguage(choice)}
            >
              {choice.toUpperCase()}
            </button>
          ))}
        </div>
      </div>
    </header>
  );
}

/** How many things the operator should look at. */
function Warnings(): VNode | null {
  const { words, store } = usePage();
  const { state } = useLive(systemsChange);
  const count = useTicking(() => {
    let found = 0;
    for (const system of state.systems.values()) {
      found += system.flags.length + (system.rejects.length > 0 ? 1 : 0);
      if (trustIn(system, store.now()) !== "fresh") found += 1;
    }
    return String(found);
  });
  if (count === "0") return null;
  return (
    <span class="count">
      <span class="visually-hidden">{`${words.text.flags}${words.text.colon} `}</span>
      {count}
    </span>
  );
}

/** The line's state and the data's age, always in sight. */
function Pulse(): VNode {
  const { words, store } = usePage();
  const { text } = words;
  useLive(systemsChange);
  const age = useTicking(() => {
    const nowMs = store.now();
    const ms = oldestAgeMs(store.state.systems.values(), nowMs);
    if (ms === null) return "";
    const old = oldestContent(store.state.systems.values(), nowMs);
    return old === null
      ? text.dataAge(words.duration(ms))
      : text.checkedContent(words.ago(ms), words.day(old.content_at ?? nowMs, nowMs, old.timezone));
  });
  const stale = useTicking(() =>
    [...store.state.systems.values()].some((system) => trustIn(system, store.now()) === "stale") ? "yes" : "",
  );
  const { link } = store;
  const lost = isLost(link);
  const look = lost
    ? "lost"
    : link.state !== "live"
      ? "connecting"
      : age === ""
        ? "waiting"
        : stale === ""
          ? "live"
          : "stale";
  const word = {
    lost: text.lost,
    connecting: text.connecting,
    waiting: text.noData,
    live: text.live,
    stale: text.stale,
  }[look];
  return (
    <p class={`pulse pulse-${look}`}>
      <span class="dot" aria-hidden="true" />
      <b>{word}</b>
      {age === "" ? null : <span class="pulse-age">{age}</span>}
    </p>
  );
}

function Logo(): VNode {
  return (
    <svg class="logo" viewBox="0 0 28 20" aria-hidden="true">
      <circle cx="6" cy="14" r="4.600" />
      <circle cx="22" cy="14" r="4.600" />
      <path d="M6 14l4.500-9h7.500l4 9M10.500 5l4.500 9 3.500-7M8.300 5h3.500" />
    </svg>
  );
}
