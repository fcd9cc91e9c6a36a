/**
 * Every error velostream raises on purpose: a class, a stable code, an exit code and one remedy.
 * Anything else that reaches main.ts is a bug (exit 70). Codes are documented from this table (docs/errors.md).
 */

/** Process exit codes (DESIGN.md section 5; the numbers are BSD's sysexits). */
export const EXIT = {
  done: 0,
  usage: 64,
  unavailable: 69,
  bug: 70,
  configuration: 78,
  interrupted: 130,
} as const;

export interface ErrorRow {
  readonly exitCode: number;
  readonly retryable: boolean;
  /** What the code means, for docs/errors.md. */
  readonly meaning: string;
  /** Status of the API's answer. @default 500 */
  readonly httpStatus?: number;
}

/** The one table of codes: drives exit codes, `application/problem+json` and docs/errors.md. */
export const ERRORS = {
  VELOSTREAM_USAGE: {
    exitCode: EXIT.usage,
    retryable: false,
    meaning: "The command line cannot be understood.",
  },
  VELOSTREAM_CONFIG: {
    exitCode: EXIT.configuration,
    retryable: false,
    meaning: "A setting or a file it names is wrong.",
  },
  VELOSTREAM_STATIONS_UNKNOWN: {
    exitCode: EXIT.configuration,
    retryable: false,
    meaning: "`--stations` names a code the feed does not have.",
  },
  VELOSTREAM_FEED_UNAVAILABLE: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "The feed could not be reached or answered with an error.",
  },
  VELOSTREAM_FEED_INVALID: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "The feed answered something that is not GBFS.",
  },
  VELOSTREAM_FEED_REFUSED: {
    exitCode: EXIT.configuration,
    retryable: false,
    meaning: "The URL is not one velostream fetches (scheme, private address).",
  },
  VELOSTREAM_LOG_UNAVAILABLE: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "Kafka cannot be reached.",
  },
  VELOSTREAM_LOG_REFUSED: {
    exitCode: EXIT.configuration,
    retryable: false,
    meaning: "Kafka refused the request (authorisation, missing topic, record too large).",
  },
  VELOSTREAM_SPARK_UNAVAILABLE: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "The Spark Connect server cannot be reached.",
  },
  VELOSTREAM_SPARK_FAILED: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "Spark reported an error of its own.",
  },
  VELOSTREAM_STORAGE_UNAVAILABLE: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "The data folder cannot be used (locked, full, not writable).",
  },
  VELOSTREAM_STORAGE_INVALID: {
    exitCode: EXIT.configuration,
    retryable: false,
    meaning: "A file of the data folder or a recording cannot be read.",
  },
  VELOSTREAM_HTTP_PORT: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "The port to serve on is taken.",
  },
  VELOSTREAM_HTTP_NOT_FOUND: {
    exitCode: EXIT.usage,
    retryable: false,
    meaning: "The API has nothing at that path or by that name.",
    httpStatus: 404,
  },
  VELOSTREAM_HTTP_NO_ARCHIVE: {
    exitCode: EXIT.usage,
    retryable: false,
    meaning: "This server keeps no history.",
    httpStatus: 404,
  },
  VELOSTREAM_HTTP_BAD_REQUEST: {
    exitCode: EXIT.usage,
    retryable: false,
    meaning: "The API cannot understand the request.",
    httpStatus: 400,
  },
  VELOSTREAM_HTTP_HOST: {
    exitCode: EXIT.usage,
    retryable: false,
    meaning: "The request's Host names another server.",
    httpStatus: 421,
  },
  VELOSTREAM_HTTP_RANGE: {
    exitCode: EXIT.usage,
    retryable: false,
    meaning: "The file has no such range.",
    httpStatus: 416,
  },
  VELOSTREAM_HTTP_TIMEOUT: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "The request did not arrive in time.",
    httpStatus: 408,
  },
  VELOSTREAM_HTTP_METHOD: {
    exitCode: EXIT.usage,
    retryable: false,
    meaning: "The API is read only.",
    httpStatus: 405,
  },
  VELOSTREAM_HTTP_TOO_LARGE: {
    exitCode: EXIT.usage,
    retryable: false,
    meaning: "The request's body, address or headers are too long.",
    httpStatus: 413,
  },
  VELOSTREAM_HTTP_RATE_LIMITED: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "Too many requests from one address.",
    httpStatus: 429,
  },
  VELOSTREAM_HTTP_INTERNAL: {
    exitCode: EXIT.bug,
    retryable: false,
    meaning: "A bug in the server; its log tells more.",
    httpStatus: 500,
  },
  VELOSTREAM_HTTP_UNAVAILABLE: {
    exitCode: EXIT.unavailable,
    retryable: true,
    meaning: "The server cannot answer this now.",
    httpStatus: 503,
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptions {
  readonly cause?: unknown;
  /** Machine-readable facts; never secrets. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** An error velostream raises on purpose. The message says what happened, where, and ends with one remedy. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.details = options.details ?? {};
  }

  get exitCode(): number {
    return ERRORS[this.code].exitCode;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }
}

/** The command line is wrong. */
export class UsageError extends AppError {
  constructor(message: string, options?: ErrorOptions) {
    super("VELOSTREAM_USAGE", message, options);
  }
}

/** A setting, from whatever source, is wrong. */
export class ConfigError extends AppError {
  constructor(
    message: string,
    options?: ErrorOptions & { readonly code?: "VELOSTREAM_CONFIG" | "VELOSTREAM_STATIONS_UNKNOWN" },
  ) {
    super(options?.code ?? "VELOSTREAM_CONFIG", message, options);
  }
}

/** A feed cannot be used. */
export class FeedError extends AppError {
  constructor(
    code: "VELOSTREAM_FEED_UNAVAILABLE" | "VELOSTREAM_FEED_INVALID" | "VELOSTREAM_FEED_REFUSED",
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** The log (Kafka) cannot be used. */
export class LogError extends AppError {
  constructor(
    code: "VELOSTREAM_LOG_UNAVAILABLE" | "VELOSTREAM_LOG_REFUSED",
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** Spark cannot be used, or said no. */
export class SparkError extends AppError {
  constructor(
    code: "VELOSTREAM_SPARK_UNAVAILABLE" | "VELOSTREAM_SPARK_FAILED",
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** The data folder or a recording cannot be used. */
export class StorageError extends AppError {
  constructor(
    code: "VELOSTREAM_STORAGE_UNAVAILABLE" | "VELOSTREAM_STORAGE_INVALID",
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}

/** A request to the API, or the server itself, cannot be served. */
export class HttpError extends AppError {
  constructor(
    code: Extract<ErrorCode, `VELOSTREAM_HTTP_${string}`>,
    message: string,
    options?: ErrorOptions,
  ) {
    super(code, message, options);
  }
}
