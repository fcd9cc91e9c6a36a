/** Reads the API's path and query parameters: zod schemas that also document them, and errors that name the parameter. */
import { z } from "zod";
import { HttpError } from "../errors.ts";

/** Most steps one history answer may have. */
const MAX_STEPS = 10_000;
const UNIT_MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as in the command line's options: `30s`, `5m`, `1h`, `1d`. */
const Duration = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhd]$/, "is not a duration such as 30s, 5m, 1h or 1d")
  .transform((text) => Number(text.slice(0, -1)) * UNIT_MS[text.slice(-1) as keyof typeof UNIT_MS]);

/** Epoch milliseconds, or RFC 3339 with an offset. */
const Time = z
  .string()
  // In a query string a bare + means a space: "+01:00" arrives as " 01:00".
  .overwrite((text) => text.replace(/ (?=\d{2}:\d{2}$)/, "+"))
  .regex(
    /^(\d{1,14}|\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2}))$/,
    "is neither epoch milliseconds nor a time with an offset such as 2026-11-20T08:00:00Z",
  )
  .refine((text) => /^\d+$/.test(text) || isInCalendar(text), "is not a time in the calendar")
  .transform((text) => (/^\d+$/.test(text) ? Number(text) : Date.parse(text)));

/** Date.parse takes 31 February for 3 March. */
function isInCalendar(text: string): boolean {
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split("-").map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day && !Number.isNaN(Date.parse(text));
}

/** `west,south,east,north` in degrees. West greater than east crosses the antimeridian. */
export const BoundingBox = z
  .string()
  .regex(/^(-?\d{1,3}(\.\d{1,15})?)(,-?\d{1,3}(\.\d{1,15})?){3}$/, "is not west,south,east,north in degrees")
  .transform((text) => {
    const [west = 0, south = 0, east = 0, north = 0] = text.split(",").map(Number);
    return { west, south, east, north };
  })
  .refine(
    ({ west, south, east, north }) =>
      Math.abs(west) <= 180 &&
      Math.abs(east) <= 180 &&
      Math.abs(south) <= 90 &&
      Math.abs(north) <= 90 &&
      south <= north,
    "is not on Earth, or its south is north of its north",
  );

/** Most stations on one page. */
const MAX_PAGE = 10_000;

export const PageLimit = wholeNumber(1, MAX_PAGE).default(1_000).describe("1 to 10,000; default 1,000.");

/** A whole number within bounds, both of them in its one message. */
export function wholeNumber(least: number, most: number) {
  const error = `is not a whole number from ${least} to ${most.toLocaleString("en")}`;
  return z.coerce.number({ error }).int({ error }).min(least, { error }).max(most, { error });
}

export const SystemId = z.string().min(1).max(200);
export const SearchText = z.string().max(100);

export const HistoryParameters = z.strictObject({
  from: Time.optional().describe("First instant; default: 24 hours before `to`."),
  to: Time.optional().describe("End, exclusive; default: now."),
  step: Duration.default(5 * UNIT_MS.m).describe("Length of a step; default 5m."),
});

export interface Range {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
}

/** The range asked for, `from` rounded down to a whole step. */
export function rangeOf(query: z.output<typeof HistoryParameters>, nowMs: number): Range {
  const toMs = query.to ?? nowMs;
  const from = query.from ?? toMs - UNIT_MS.d;
  const fromMs = Math.max(0, Math.floor(from / query.step) * query.step);
  if (fromMs >= toMs) throw badRequest(`Query parameter "from" is not before "to".`);
  const steps = Math.ceil((toMs - fromMs) / query.step);
  if (steps > MAX_STEPS) {
    throw badRequest(
      `The range has ${steps} steps; at most ${MAX_STEPS} are answered. Ask for a longer "step".`,
    );
  }
  return { fromMs, toMs, stepMs: query.step };
}

/** Parses `value`; an HttpError names the first parameter that is wrong. */
export function readParameters<S extends z.ZodType>(
  schema: S,
  value: unknown,
  where: "Path" | "Query",
): z.output<S> {
  const parsed = schema.safeParse(value, { error: problemOf });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  if (issue?.code === "unrecognized_keys") {
    throw badRequest(`${where} parameter ${JSON.stringify(issue.keys[0])} is not known here.`);
  }
  const name = issue?.path.join(".") ?? "";
  const given = (value as Readonly<Record<string, unknown>> | null)?.[name];
  throw badRequest(
    `${where} parameter ${JSON.stringify(name)} ${Array.isArray(given) ? "is there more than once" : issue?.message}.`,
  );
}

/** Completes `Query parameter "limit" …`, where the schema has no words of its own. */
function problemOf(issue: z.core.$ZodRawIssue): string {
  if (issue.code === "invalid_value") return `is none of ${issue.values.join(", ")}`;
  if (issue.code === "too_small") return "is empty";
  if (issue.code === "too_big") return `is longer than ${issue.maximum} characters`;
  return "is wrong";
}

function badRequest(message: string): HttpError {
  return new HttpError("VELOSTREAM_HTTP_BAD_REQUEST", `${message} See /docs for what it takes.`);
}
