/** /docs: the OpenAPI document as a page for people. One file of HTML and one of CSS, no script, nothing from elsewhere. */
import { ERRORS, type ErrorRow } from "../errors.ts";
import type { OpenApi, OpenApiOperation } from "./openapi.ts";

type Json = Record<string, unknown>;

export function docsPage(api: OpenApi): string {
  const operations = Object.entries(api.paths);
  const schemas = Object.entries(api.components.schemas);
  const body = `<header>
<h1>velostream API <small>${text(api.info.version)}</small></h1>
<p>${text(api.info.description)}</p>
<p><a href="./">Live page</a> · <a href="openapi.json">openapi.json</a> (OpenAPI 3.1)</p>
</header>
<nav aria-label="Contents"><ul>
${operations.map(([path, { get }]) => `<li><a href="#${text(get.operationId)}"><code>${text(path)}</code></a> ${text(get.summary)}</li>`).join("\n")}
<li><a href="#schemas">Answers and events</a></li>
<li><a href="#errors">Errors</a></li>
</ul></nav>
<main>
${operations.map(([path, { get }]) => operationSection(path, get)).join("\n")}
<section><h2 id="schemas">Answers and events</h2>
${schemas.map(([id, schema]) => schemaSection(id, schema)).join("\n")}
</section>
${errorsSection()}
</main>`;
  return page("velostream API", body);
}

/** What / shows while the page is not built. */
export function notBuiltPage(): string {
  return page(
    "velostream",
    `<main><h1>velostream is running</h1>
<p>The live page is not built in this checkout. Build it, then reload:</p>
<pre><code>npm run build:web</code></pre>
<p>The API works without it: <a href="docs">its documentation</a>, <a href="api/v1/areas">the totals per area</a>, <a href="readyz">readiness</a>.</p>
</main>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${text(title)}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/style.css">
</head>
<body>
${body}
</body>
</html>
`;
}

function operationSection(path: string, operation: OpenApiOperation): string {
  const rows = operation.parameters.map(
    (p) =>
      `<tr><th scope="row"><code>${text(p.name)}</code></th><td>${p.in}${p.required ? ", required" : ""}</td><td>${text(p.description ?? "")}</td></tr>`,
  );
  const table =
    rows.length === 0
      ? ""
      : `<table><thead><tr><th scope="col">Parameter</th><th scope="col">In</th><th scope="col">Meaning</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
  const answers = Object.entries(operation.responses).map(
    ([status, { description, content }]) =>
      `<li><strong>${status}</strong> ${status === "200" ? answerOf(content) : codes(description)}</li>`,
  );
  return `<section><h2 id="${text(operation.operationId)}"><span class="method">GET</span> <code>${text(path)}</code></h2>
<p>${text(operation.summary)}. ${text(operation.description ?? "")}</p>
${table}
<ul class="answers">${answers.join("")}</ul></section>`;
}

function answerOf(content: Json | undefined): string {
  const [mediaType, media] = Object.entries(content ?? {})[0] ?? ["", {}];
  const ref = (media as { schema?: { $ref?: string } }).schema?.$ref;
  return `${ref === undefined ? "" : refLink(ref)} <code>${text(mediaType)}</code>`;
}

function codes(description: string): string {
  return description
    .split(", ")
    .map((word) => (word in ERRORS ? `<a href="#${text(word)}"><code>${text(word)}</code></a>` : text(word)))
    .join(", ");
}

function schemaSection(id: string, schema: Json): string {
  const properties = Object.entries((schema["properties"] ?? {}) as Record<string, Json>);
  const rows = properties.map(
    ([name, property]) =>
      `<tr><th scope="row"><code>${text(name)}</code></th><td>${typeOf(property)}</td><td>${text(word(property["description"]))}</td></tr>`,
  );
  return `<h3 id="schema-${text(id)}">${text(id)}</h3>
<table><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>${rows.join("")}</tbody></table>`;
}

function typeOf(schema: Json): string {
  if (typeof schema["$ref"] === "string") return refLink(schema["$ref"]);
  if (Array.isArray(schema["anyOf"])) return (schema["anyOf"] as Json[]).map(typeOf).join(" or ");
  if (Array.isArray(schema["enum"])) {
    return (schema["enum"] as unknown[]).map((v) => `<code>${text(String(v))}</code>`).join(" or ");
  }
  if (schema["type"] === "array") return `list of ${typeOf((schema["items"] ?? {}) as Json)}`;
  if (schema["type"] === "object" && schema["properties"] !== undefined) {
    return `object of ${Object.keys(schema["properties"] as Json)
      .map((name) => `<code>${text(name)}</code>`)
      .join(", ")}`;
  }
  const type = schema["type"];
  return text(Array.isArray(type) ? type.map(word).join(" or ") : word(type) || "any");
}

function refLink(ref: string): string {
  const id = ref.split("/").at(-1) ?? "";
  return `<a href="#schema-${text(id)}">${text(id)}</a>`;
}

function errorsSection(): string {
  const rows = Object.entries<ErrorRow>(ERRORS)
    .filter(([code]) => code.startsWith("VELOSTREAM_HTTP_") && code !== "VELOSTREAM_HTTP_PORT")
    .map(
      ([code, row]) =>
        `<tr id="${code}"><th scope="row"><code>${code}</code></th><td>${row.httpStatus ?? 500}</td><td>${text(row.meaning)}</td></tr>`,
    );
  return `<section><h2 id="errors">Errors</h2>
<p>Errors are <code>application/problem+json</code> (RFC 9457).</p>
<table><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead><tbody>${rows.join("")}</tbody></table></section>`;
}

function word(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function text(value: string): string {
  return value
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}

/** Served as /docs/style.css. */
export const DOCS_STYLE = `:root { color-scheme: light dark; --line: #8884; --faint: #8881; --link: light-dark(#0550ae, #6cb6ff); }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem 1.25rem 4rem; max-width: 60rem; overflow-wrap: anywhere; }
h1 { margin: 1rem 0 0; } h1 small { font-weight: normal; font-size: 1rem; }
h2 { margin: 2.5rem 0 .5rem; font-size: 1.2rem; } h3 { margin: 1.5rem 0 .25rem; }
a { color: var(--link); } code, pre { font: .9em/1.4 ui-monospace, monospace; }
pre { background: var(--faint); padding: .75rem 1rem; border-radius: 6px; overflow-x: auto; }
nav ul { list-style: none; padding: 0; } nav li { padding: .15rem 0; }
.method { font-size: .75rem; font-weight: 700; border: 1px solid var(--line); border-radius: 4px; padding: .1rem .4rem; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .95rem; }
th, td { text-align: start; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line); }
tbody th { font-weight: normal; white-space: nowrap; } thead th { font-size: .8rem; }
.answers { padding-inline-start: 1.1rem; font-size: .95rem; }
tr:target, h2:target, h3:target { background: var(--faint); }
`;
