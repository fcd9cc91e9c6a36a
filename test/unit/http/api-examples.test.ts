/** Every example of docs/api.md, executed: the answer is the documented one, and it is what the schemas say. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import * as schemas from "../../../src/http/api-schemas.ts";
import { exampleServer, type ExampleServer } from "../../support/api-server.ts";

const text = readFileSync(new URL("../../../docs/api.md", import.meta.url), "utf8");
const examples = [
  ...text.matchAll(/```sh\ncurl -s '?http:\/\/127\.0\.0\.1:8080([^'\n]*)'?\n```\n\n```json\n(.*?)```/gs),
];

let server: ExampleServer;
before(async () => {
  server = await exampleServer();
});
after(() => server.app.close());

test("docs/api.md shows every route, and every curl in it is followed by its answer or is the event stream", () => {
  const curls = text.match(/^curl /gm) ?? [];
  assert.equal(curls.length, examples.length + 1);
  for (const route of ["system", "areas?", "areas/", "stations?", "stations/", "history?", "typical?"]) {
    assert.ok(
      examples.some(([, path]) => path?.includes(route)),
      route,
    );
  }
});

for (const [, path = "", json = ""] of examples) {
  test(`GET ${path} answers as documented`, async () => {
    const answer = await server.app.inject({ url: path });
    const documented = JSON.parse(json) as Record<string, unknown>;
    assert.deepEqual(answer.json(), documented);
    const schema = schemaOf(path, answer.statusCode);
    assert.deepEqual(schema.parse(documented), documented, "and nothing but what the schema knows");
    const type = answer.statusCode === 200 ? "application/json" : "application/problem+json";
    assert.equal(answer.headers["content-type"], `${type}; charset=utf-8`);
  });
}

function schemaOf(path: string, status: number): { parse(value: unknown): unknown } {
  if (status !== 200) return schemas.Problem;
  if (/^\/(health|ready)z/.test(path)) return schemas.HealthAnswer;
  if (path.includes("/history")) return schemas.HistoryAnswer;
  if (path.includes("/typical")) return schemas.TypicalAnswer;
  if (path.endsWith("/system")) return schemas.SystemAnswer;
  if (/\/areas(\?|$)/.test(path)) return schemas.AreasAnswer;
  if (/\/areas\//.test(path)) return schemas.AreaAnswer;
  return /\/stations(\?|$)/.test(path) ? schemas.StationsAnswer : schemas.StationAnswer;
}
