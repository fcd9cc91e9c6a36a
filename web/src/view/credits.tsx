/** Whom the data is from. */
import type { VNode } from "preact";
import type { System } from "../../../src/http/api-types.ts";
import type { Words } from "../text/format.ts";
import { Link, toFeeds } from "./link.tsx";
import { systemsChange, useLive, usePage } from "./page-context.ts";

/** More than this would fill the screen: then each feed's own entry names its publisher. */
const MOST_CREDITS = 4;

export function Credits(): VNode {
  const { words, store } = usePage();
  const { text } = words;
  const { state } = useLive(systemsChange);
  const credits = new Map<string, System>();
  for (const system of state.systems.values()) {
    credits.set(`${creditOf(system, words)} ${system.license_url ?? ""}`, system);
  }
  return (
    <footer class="credits">
      {credits.size === 0 ? null : (
        <p>
          {text.data}
          {text.colon}{" "}
          {credits.size > MOST_CREDITS ? (
            <Link to={toFeeds}>{text.publishersCount(words.count(credits.size))}</Link>
          ) : (
            [...credits.values()].map((system, index) => (
              <span key={system.system_id}>
                {index > 0 ? " · " : ""}
                <Credit system={system} />
              </span>
            ))
          )}
        </p>
      )}
      <p>
        <a href="docs">{text.apiDocs}</a>
        {store.server === null ? null : (
          <span class="version">{text.serverVersion(store.server.version)}</span>
        )}
      </p>
    </footer>
  );
}

/** Whom a system's data is from, and under which licence. */
export function Credit({ system }: { readonly system: System }): VNode {
  const { words } = usePage();
  const licence = safeUrl(system.license_url);
  return (
    <>
      {creditOf(system, words)}
      {licence === null ? null : (
        <>
          {" "}
          (
          <a href={licence} rel="license noreferrer">
            {words.text.licence}
          </a>
          )
        </>
      )}
    </>
  );
}

function creditOf(system: System, words: Words): string {
  return system.simulated ? words.text.simulated : (system.attribution ?? system.name ?? system.system_id);
}

/** A feed's own link may be anything: only web addresses become links. */
function safeUrl(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) ? url : null;
}
