/** Writes OpenAPI 3.1 from the routes' own schemas: what validates a request also documents it. */
import { z } from "zod";
import { ERRORS, type ErrorCode, type ErrorRow } from "../errors.ts";
import type { ApiRoute } from "./api-route.ts";
import * as schemas from "./api-schemas.ts";

type Json = Record<string, unknown>;

/** Codes that any route may answer. */
const COMMON_ERRORS: readonly ErrorCode[] = [
  "VELOSTREAM_HTTP_BAD_REQUEST",
  "VELOSTREAM_HTTP_RATE_LIMITED",
  "VELOSTREAM_HTTP_INTERNAL",
];

export interface OpenApi {
  readonly openapi: "3.1.0";
  readonly info: { readonly title: string; readonly version: string; readonly description: string } & Json;
  /** What the paths are added to. */
  readonly servers: readonly { readonly url: string }[];
  readonly paths: Readonly<Record<string, { readonly get: OpenApiOperation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly parameters: readonly OpenApiParameter[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Json }>>;
}

interface OpenApiParameter {
  readonly name: string;
  readonly in: "path" | "query";
  readonly required: boolean;
  readonly description?: string;
  readonly schema: Json;
}

export function openApi(routes: readonly ApiRoute[], version: string, basePath = ""): OpenApi {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const { schemas: components } = z.toJSONSchema(registry, { uri: (id) => `#/components/schemas/${id}` });
  return {
    openapi: "3.1.0",
    info: {
      title: "velostream",
      version,
      description:
        "Bike-share stations and totals per area, live and over time. Times are epoch milliseconds; durations end in _ms; null means that the feed does not say.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: basePath === "" ? "/" : basePath }],
    paths: Object.fromEntries(
      routes.map((route) => [route.path, { get: operation(route, (schema) => registry.get(schema)?.id) }]),
    ),
    components: {
      schemas: Object.fromEntries(
        Object.entries(components).map(([id, schema]) => [id, withoutIdentity(schema as Json)]),
      ),
    },
  };
}

function operation(route: ApiRoute, idOf: (schema: z.ZodType) => string | undefined): OpenApiOperation {
  const id = route.answer === null ? undefined : idOf(route.answer);
  const schema = id === undefined ? { type: "string" } : { $ref: `#/components/schemas/${id}` };
  const codes = [...new Set([...route.errors, ...COMMON_ERRORS])];
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const row: ErrorRow = ERRORS[code];
    const status = row.httpStatus ?? 500;
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    parameters: [...parameters(route.params, "path"), ...parameters(route.query, "query")],
    responses: {
      200: { description: route.summary, content: { [route.mediaType]: { schema } } },
      ...Object.fromEntries(
        [...byStatus].map(([status, codes]) => [
          status,
          {
            description: codes.join(", "),
            content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
          },
        ]),
      ),
      ...(route.path === "/readyz"
        ? {
            503: {
              description: "Not ready; the checks say why.",
              content: { "application/json": { schema } },
            },
          }
        : {}),
    },
  };
}

function parameters(schema: z.ZodObject | null, where: "path" | "query"): OpenApiParameter[] {
  if (schema === null) return [];
  const { properties, required } = z.toJSONSchema(schema, { io: "input" });
  return Object.entries(properties ?? {}).map(([name, property]) => {
    const { description, ...rest } = property as Json & { description?: string };
    return {
      name,
      in: where,
      required: where === "path" || (required ?? []).includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}

function withoutIdentity(schema: Json): Json {
  const { $schema, $id, ...rest } = schema;
  return $schema === undefined && $id === undefined ? schema : rest;
}
