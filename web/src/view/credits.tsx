/** Whom the data is from. */
import type { VNode } from "preact";
import { systemsChange, useLive, usePage } from "./page-context.ts";

export function Credits(): VNode {
  const { words, store } = usePage();
  const { text } = words;
  const { state } = useLive(systemsChange);
  const systems = [...state.systems.values()];
  return (
    <footer class="credits">
      {systems.length === 0 ? null : (
        <p>
          {text.data}:{" "}
          {systems.map((system, index) => (
            <span key={system.system_id}>
              {index > 0 ? " · " : ""}
              {system.simulated ? text.simulated : (system.attribution ?? system.name ?? system.system_id)}
              {safeUrl(system.license_url) === null ? null : (
                <>
                  {" "}
                  (
                  <a href={system.license_url ?? ""} rel="license noreferrer">
                    {text.licence}
                  </a>
                  )
                </>
              )}
            </span>
          ))}
        </p>
      )}
      <p>
        <a href="/docs">{text.apiDocs}</a>
        {store.server === null ? null : (
          <span class="version">{text.serverVersion(store.server.version)}</span>
        )}
      </p>
    </footer>
  );
}

/** A feed's own link may be anything: only web addresses become links. */
function safeUrl(url: string | null): string | null {
  return url !== null && /^https?:\/\//i.test(url) ? url : null;
}
