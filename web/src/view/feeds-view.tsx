/** The operator's face: every feed, how its polling goes, and the reasons to distrust it. */
import type { VNode } from "preact";
import type { System } from "../../../src/http/api-types.ts";
import { Age } from "./age.tsx";
import { Credit } from "./credits.tsx";
import { trustIn } from "./freshness.ts";
import { Link, toAreas } from "./link.tsx";
import { systemsChange, useLive, usePage, useTicking } from "./page-context.ts";
import { PanelHeading } from "./panel-heading.tsx";

/** More feeds than this are folded. */
const MOST_UNFOLDED = 2;

export function FeedsView(): VNode {
  const { words, store } = usePage();
  const { text } = words;
  const { state } = useLive(systemsChange);
  const nowMs = store.now();
  const systems = [...state.systems.values()].sort(
    (a, b) => Number(isSound(a, nowMs)) - Number(isSound(b, nowMs)) || words.compare(nameOf(a), nameOf(b)),
  );
  return (
    <section class="detail feeds" aria-labelledby="panel-heading">
      <Link to={toAreas} class="back">
        {text.backToAreas}
      </Link>
      <PanelHeading
        name={text.feedsTitle}
        over={store.server === null ? text.title : text.serverVersion(store.server.version)}
      />
      {systems.length === 0 ? <p class="nothing">{text.noFeeds}</p> : null}
      {systems.map((system) => (
        <Feed key={system.system_id} system={system} folded={systems.length > MOST_UNFOLDED} />
      ))}
      <p class="links">
        <a href="readyz">{text.readiness}</a> <a href="metrics">{text.metrics}</a>{" "}
        <a href="docs">{text.apiDocs}</a>
      </p>
    </section>
  );
}

function nameOf(system: System): string {
  return system.name ?? system.system_id;
}

/** Nothing an operator should look at. */
function isSound(system: System, nowMs: number): boolean {
  return trustIn(system, nowMs) === "fresh" && system.flags.length === 0 && system.rejects.length === 0;
}

/** Of many feeds only those in trouble are open. */
function Feed({ system, folded }: { readonly system: System; readonly folded: boolean }): VNode {
  const { words, store } = usePage();
  const { text } = words;
  const trust = useTicking(() => trustIn(system, store.now()));
  const head = (
    <>
      <h3>
        {nameOf(system)}
        {system.simulated ? <span class="chip chip-simulated">{text.simulated}</span> : null}
        {trust === "stale" ? <span class="chip chip-warning">{text.stale}</span> : null}
      </h3>
      {folded ? (
        <p class="muted">
          {text.states[system.state]} ·{" "}
          {text.stationsCount(words.count(system.stations), system.stations !== 1)}
          {system.observed_at === null ? null : (
            <>
              {" · "}
              <Age atMs={system.observed_at} ago={false} />
            </>
          )}
        </p>
      ) : null}
    </>
  );
  return (
    <article class={`feed feed-${trust}`}>
      {folded ? (
        <details open={!isSound(system, store.now())}>
          <summary>{head}</summary>
          <Facts system={system} />
        </details>
      ) : (
        <>
          {head}
          <Facts system={system} />
        </>
      )}
    </article>
  );
}

function Facts({ system }: { readonly system: System }): VNode {
  const { words, store } = usePage();
  const { text } = words;
  const nextPoll = useTicking(() => {
    if (system.next_poll_at === null) return text.unknown;
    const ms = system.next_poll_at - store.now();
    return ms <= 0 ? text.due : text.inTime(words.duration(ms));
  });
  const span = (ms: number | null): string => (ms === null ? text.unknown : words.duration(ms));
  const { last_poll: poll, traffic } = system;
  return (
    <dl class="facts">
      <dt>{text.state}</dt>
      <dd>{text.states[system.state]}</dd>
      <dt>{text.dataOf}</dt>
      <dd>{system.observed_at === null ? text.unknown : <Age atMs={system.observed_at} ago={false} />}</dd>
      <dt>{text.contentOf}</dt>
      <dd>{system.content_at === null ? text.unknown : <Age atMs={system.content_at} ago={false} />}</dd>
      <dt>{text.lastPoll}</dt>
      <dd>
        {poll === null ? (
          text.unknown
        ) : (
          <>
            <code>{poll.outcome}</code> <Age atMs={poll.at} />
            {poll.message === null ? null : <small>{poll.message}</small>}
          </>
        )}
      </dd>
      <dt>{text.nextPoll}</dt>
      <dd>{nextPoll}</dd>
      <dt>{text.pollInterval}</dt>
      <dd>{span(system.poll_interval_ms)}</dd>
      <dt>{text.changePeriod}</dt>
      <dd>{span(system.change_period_ms)}</dd>
      {traffic === null ? null : (
        <>
          <dt>{text.traffic}</dt>
          <dd>
            {text.trafficOf(
              words.count(traffic.requests),
              words.count(traffic.not_modified),
              words.bytes(traffic.transferred_bytes),
            )}
          </dd>
          <dt>{text.saved}</dt>
          <dd>
            {words.bytes(traffic.saved_bytes)} <small>{text.savedBy}</small>
          </dd>
        </>
      )}
      <dt>{text.staleAfter}</dt>
      <dd>{span(system.stale_after_ms)}</dd>
      <dt>{text.stations}</dt>
      <dd>{words.count(system.stations)}</dd>
      <dt>{text.flags}</dt>
      <dd>
        {system.flags.length === 0 ? text.noFlags : null}
        {system.flags.map((flag) => (
          <p key={flag.flag} class="flag">
            {flag.message}{" "}
            <small>
              <code>{flag.flag}</code> {text.since(words.time(flag.since, store.now(), system.timezone))}
            </small>
          </p>
        ))}
      </dd>
      <dt>{text.rejects}</dt>
      <dd>
        {system.rejects.length === 0 ? text.noRejects : null}
        {system.rejects.map(({ reason, count, first_path: path }) => (
          <p key={reason} class="flag">
            {words.count(count)} × <code>{reason}</code>
            <small>
              {text.firstAt} <code>{path}</code>
            </small>
          </p>
        ))}
      </dd>
      <dt>{text.publisher}</dt>
      <dd>
        <Credit system={system} />
      </dd>
    </dl>
  );
}
