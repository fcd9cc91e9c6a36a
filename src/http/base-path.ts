/**
 * The server behind a path of a proxy, as `/bikes/`: requests lose the prefix before they are routed, with or without it they
 * are answered, and the page's own addresses are relative, so that a proxy that takes the prefix off needs no option.
 */

/** What a request's address is without the base path; addresses outside of it stay as they are. */
export function withoutBasePath(url: string, basePath: string): string {
  if (basePath === "" || !url.startsWith(basePath)) return url;
  const rest = url.slice(basePath.length);
  if (rest.startsWith("/")) return rest;
  return rest === "" || rest.startsWith("?") ? `/${rest}` : url;
}

/**
 * Where to send somebody whose address lacks, or has, the slash that relative addresses of the page count from:
 * `/bikes` → `bikes/`, `/docs/` → `../docs`. null: the address is right.
 */
export function redirectFor(url: string, basePath: string): string | null {
  const [path = "", ...query] = url.split("?");
  const search = query.length === 0 ? "" : `?${query.join("?")}`;
  // Relative, since a proxy may know us by another path.
  if (basePath !== "" && path === basePath) return `${path.slice(path.lastIndexOf("/") + 1)}/${search}`;
  if (withoutBasePath(path, basePath) === "/docs/") return `../docs${search}`;
  return null;
}
