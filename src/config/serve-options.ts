/** The part of the option table that concerns the page and the API; options.ts checks and spreads it. */
export const SERVE_OPTIONS = {
  host: {
    kind: "string",
    metavar: "ADDRESS",
    default: "127.0.0.1",
    group: "serve",
    help: "Address to serve on.",
  },
  port: {
    kind: "port",
    metavar: "PORT",
    default: 8080,
    group: "serve",
    help: "Port to serve on; 0 picks one.",
  },
  cors: {
    kind: "list",
    metavar: "ORIGIN,…|*",
    default: null,
    group: "serve",
    help: "Other origins that may read the API; * for all.",
  },
  "rate-limit": {
    kind: "integer",
    metavar: "N",
    default: 600,
    group: "serve",
    help: "API requests per minute and address; 0 for no limit.",
  },
  "max-streams": {
    kind: "integer",
    metavar: "N",
    default: 2000,
    group: "serve",
    help: "Event streams at once.",
  },
  tiles: {
    kind: "string",
    metavar: "URL",
    default: null,
    group: "serve",
    help: "Raster tiles for the page's base map, with {z}, {x} and {y}; none by default.",
  },
  "tiles-attribution": {
    kind: "string",
    metavar: "TEXT",
    default: null,
    group: "serve",
    help: "Whom to credit for the tiles.",
  },
  serve: { kind: "flag", default: true, group: "serve", help: "Serve the page and the API." },
} as const;
