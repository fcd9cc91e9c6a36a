/** What is wrong, in sentences, while it is wrong. Announced to screen readers when it begins. */
import type { VNode } from "preact";
import type { System } from "../../../src/http/api-types.ts";
import type { Words } from "../text/format.ts";
import { isLost, isOldContent, trustIn } from "./freshness.ts";
import { Link, toFeeds } from "./link.tsx";
import { systemsChange, useLive, usePage, useTicking } from "./page-context.ts";

export function Troubles(): VNode {
  const { words } = usePage();
  const { state, link } = useLive(systemsChange);
  return (
    <section class="troubles" aria-label={words.text.notices}>
      {isLost(link) ? <Disconnected /> : null}
      <SystemTroubles systems={[...state.systems.values()]} />
    </section>
  );
}

function Disconnected(): VNode {
  const { words, store } = usePage();
  const { text } = words;
  const since = store.lastLiveAtMs;
  const age = useTicking(() =>
    since === null ? text.neverConnected : text.lostFor(words.duration(Date.now() - since)),
  );
  const { link } = store;
  const next = useTicking(() =>
    link.state === "waiting"
      ? text.retryIn(Math.max(1, Math.ceil((link.retryAtMs - Date.now()) / 1000)))
      : text.retrying,
  );
  return (
    <div class="trouble trouble-lost" data-trouble="lost">
      {/* Announced once: the seconds that run are not part of the announcement. */}
      <span class="visually-hidden" role="status">
        {text.lost}
      </span>
      <p>
        <b>{age}</b> {next}
      </p>
      <button type="button" onClick={() => store.retryNow()}>
        {text.retryNow}
      </button>
    </div>
  );
}

/** More sentences than this would push the page off the screen: the feeds' own page has them all. */
const MOST_SENTENCES = 2;

function SystemTroubles({ systems }: { systems: readonly System[] }): VNode | null {
  const { words, store } = usePage();
  const { text } = words;
  // One text, so that the page looks every second and is drawn only when it reads differently.
  const sentences = useTicking(() => {
    const found = systems
      .map((system) => troubleOf(system, store.now(), words))
      .filter((said) => said !== "");
    return found.length > MOST_SENTENCES ? text.manyTroubles(words.count(found.length)) : found.join("\n");
  });
  if (sentences === "") return null;
  return (
    <>
      {sentences.split("\n").map((sentence) => (
        <div key={sentence} class="trouble" data-trouble="system">
          <p>{sentence}</p>
          {systems.length > MOST_SENTENCES ? <Link to={toFeeds}>{text.feedsTitle}</Link> : null}
        </div>
      ))}
    </>
  );
}

/** What is wrong with a system in one sentence; empty when nothing is. */
function troubleOf(system: System, nowMs: number, words: Words): string {
  const { text } = words;
  const name = system.name ?? system.system_id;
  const trust = trustIn(system, nowMs);
  // One line: what is shown is a list of lines.
  const why = (system.last_poll?.message ?? system.last_poll?.outcome ?? text.unknown).replaceAll("\n", " ");
  if (system.state === "stopped") return text.stoppedBanner(name, why);
  if (trust === "waiting")
    return system.state === "failing" ? text.failingBanner(name, why) : text.waitingBanner(name);
  if (system.content_at !== null && isOldContent(system, nowMs))
    return text.oldContentBanner(name, words.day(system.content_at, nowMs, system.timezone));
  if (trust === "stale") return text.staleBanner(name, words.duration(nowMs - (system.observed_at ?? 0)));
  return trust === "failing" ? text.failingBanner(name, why) : "";
}
