/** Files whose list stands elsewhere than at `data`: bare arrays, a list at the top, `data` that is the list itself. */
import { asObject, type Json } from "../../record/feed-values.ts";

/**
 * The file as GBFS would have it, with its list at `data[name]`; as it is where no list can be found.
 * @param names of the list, the first being the one that a bare array gets
 */
export function enveloped(body: unknown, ...names: readonly [string, ...string[]]): unknown {
  if (Array.isArray(body)) return bare(body) ? { data: { [names[0]]: body } } : body;
  const file = asObject(body);
  if (file === null) return body;
  const { data } = file;
  if (Array.isArray(data)) return bare(data) ? { ...file, data: { [names[0]]: data } } : body;
  if (names.some((name) => Array.isArray(asObject(data)?.[name]))) return body;
  const name = names.find((wanted) => Array.isArray(file[wanted]));
  return name === undefined ? body : withList(file, name);
}

/** An array of records, and not of numbers or texts. An empty one could be anything. */
function bare(list: readonly unknown[]): boolean {
  return list.some((item) => asObject(item) !== null);
}

function withList(file: Json, name: string): Json {
  const { [name]: list, ...rest } = file;
  return { ...rest, data: { [name]: list } };
}
