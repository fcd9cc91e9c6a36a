/** What is wrong, in sentences, while it is wrong. Announced to screen readers when it begins. */
import type { VNode } from "preact";
import type { System } from "../../../src/http/api-types.ts";
import { isLost, trustIn } from "./freshness.ts";
import { systemsChange, useLive, usePage, useTicking } from "./page-context.ts";

export function Troubles(): VNode {
  const { store, words } = usePage();
  const { state, link } = useLive(systemsChange);
  return (
    <section class="troubles" aria-label={words.text.notices}>
      {isLost(link) ? <Disconnected /> : null}
      {[...state.systems.values()].map((system) => (
        <SystemTrouble key={system.system_id} system={system} store={store} />
      ))}
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

function SystemTrouble({ system, store }: { system: System; store: { now(): number } }): VNode | null {
  const { words } = usePage();
  const { text } = words;
  const name = system.name ?? system.system_id;
  const sentence = useTicking(() => {
    const trust = trustIn(system, store.now());
    const why = system.last_poll?.message ?? system.last_poll?.outcome ?? text.unknown;
    if (system.state === "stopped") return text.stoppedBanner(name, why);
    if (trust === "waiting")
      return system.state === "failing" ? text.failingBanner(name, why) : text.waitingBanner(name);
    if (trust === "stale")
      return text.staleBanner(name, words.duration(store.now() - (system.observed_at ?? 0)));
    return trust === "failing" ? text.failingBanner(name, why) : "";
  });
  if (sentence === "") return null;
  return (
    <div class="trouble" data-trouble="system">
      <p>{sentence}</p>
    </div>
  );
}
