import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "@parquetry/core/backend";
import {
  type CustomKind,
  checkOptions,
  invalid,
  isPlainObject,
  type OptionKinds,
  RETRY_OPTIONS,
} from "@parquetry/core/unstable";

/** Credentials: a password for HTTP basic authentication, or a token such as a JWT or an OAuth 2.0 access token. */
export type TrinoAuth = { readonly password: string } | { readonly token: string };

/** How to reach a Trino cluster. */
export interface TrinoOptions {
  /** The coordinator: `https://trino.example.com`, or `http://127.0.0.1:8080`. */
  readonly url: string;
  /** The catalog of the tables, of Trino's Hive connector. */
  readonly catalog: string;
  /** The schema of the tables. */
  readonly schema: string;
  /** The user. Default `parquetry`; with a token, whom the token names. */
  readonly user?: string | undefined;
  /** A password or a token. It is sent over https only, or to this machine. Default: none. */
  readonly auth?: TrinoAuth | undefined;
  /**
   * Session properties, such as `{ query_max_run_time: "10m" }`. Default: the cluster's, but for those of the catalog without which Trino
   * cuts timestamps and loses rows: `timestamp_precision` MICROSECONDS and `parquet_ignore_statistics`.
   */
  readonly session?: Readonly<Record<string, string | number | boolean>> | undefined;
  /** How often a request that failed is repeated. Default: ten attempts within three minutes. */
  readonly retry?: RetryPolicy | undefined;
  /** The longest wait for an answer to one request, in milliseconds. Trino answers within a second or two. Default 60,000. */
  readonly requestTimeoutMs?: number | undefined;
  /** The largest answer to one request, in bytes. Trino's are of about 1 MB. Default 256 MiB. */
  readonly maxResponseBytes?: number | undefined;
}

/** The longest wait for an answer to one request. */
const DEFAULT_REQUEST_TIMEOUT_MS = 60_000;
const DEFAULT_MAX_RESPONSE_BYTES = 256 * 1024 * 1024;
const DEFAULT_USER = "parquetry";

/** A checked {@link TrinoOptions}. */
export interface Connection {
  /** The coordinator's origin: `https://trino.example.com`. */
  readonly origin: string;
  /** Where statements are posted. */
  readonly statements: string;
  readonly catalog: string;
  readonly schema: string;
  /** The headers of every request to the coordinator. They hold the credentials. */
  readonly headers: Readonly<Record<string, string>>;
  /** The further headers of a statement. */
  readonly statementHeaders: Readonly<Record<string, string>>;
  readonly retry: RetryPolicy;
  readonly requestTimeoutMs: number;
  readonly maxResponseBytes: number;
}

const AUTH: CustomKind = {
  expected: "{ password } or { token }, each a string",
  is: (value) =>
    isPlainObject(value) &&
    Object.keys(value).length === 1 &&
    [value["password"], value["token"]].some((secret) => typeof secret === "string" && secret !== ""),
};

const SESSION: CustomKind = {
  expected: 'properties and their values, such as { query_max_run_time: "10m" }',
  is: (value) =>
    isPlainObject(value) &&
    Object.values(value).every((one) =>
      typeof one === "string" ? one.isWellFormed() : typeof one === "number" || typeof one === "boolean",
    ),
};

const OPTIONS: OptionKinds<TrinoOptions> = {
  url: "string",
  catalog: "string",
  schema: "string",
  user: "string",
  auth: AUTH,
  session: SESSION,
  retry: "object",
  requestTimeoutMs: "positive",
  maxResponseBytes: "count",
};

/**
 * Checks the options of a connection.
 *
 * @throws StorageError `invalid_argument` that names the option. No message holds a password or a token.
 */
export function connectionOf(options: TrinoOptions): Connection {
  const op = "trino";
  checkOptions(options, OPTIONS, op);
  for (const name of ["url", "catalog", "schema"] as const) {
    if (options[name] === undefined) throw invalid(op, `${name} is missing`);
  }
  const { catalog, schema, user, auth, retry = DEFAULT_RETRY_POLICY } = options;
  checkOptions(retry, RETRY_OPTIONS, op, "retry");
  const url = originOf(options.url, auth !== undefined);
  for (const [name, value] of Object.entries({ catalog, schema, user: user ?? DEFAULT_USER })) {
    if (!/^[\x20-\x7e]+$/.test(value))
      throw invalid(op, `${name} must be text of printable ASCII characters, since it is sent as a header`);
  }
  const who = user ?? (auth !== undefined && "token" in auth ? undefined : DEFAULT_USER);
  if (auth !== undefined && "password" in auth && who?.includes(":") === true)
    throw invalid(
      op,
      "user must not contain a colon with a password: HTTP basic authentication ends it there",
    );
  const exact = {
    // Without it, the digits of timestamps below the millisecond are lost where the cluster's default is in force.
    [`${catalog}.timestamp_precision`]: "MICROSECONDS",
    // Where the types of a column differ, Trino compares the statistics of one type with values of another, and loses rows.
    [`${catalog}.parquet_ignore_statistics`]: true,
  };
  const session = Object.entries({ ...exact, ...options.session });
  for (const [name] of Object.entries(options.session ?? {})) {
    if (!/^[\w.-]+$/.test(name))
      throw invalid(op, `session: ${JSON.stringify(name)} is not the name of a property`);
  }
  return {
    origin: url.origin,
    statements: `${url.href.replace(/\/+$/, "")}/v1/statement`,
    catalog,
    schema,
    headers: {
      ...(who === undefined ? {} : { "X-Trino-User": who }),
      ...(auth === undefined ? {} : { Authorization: authorization(who ?? "", auth) }),
    },
    statementHeaders: {
      "X-Trino-Source": "parquetry",
      "X-Trino-Catalog": catalog,
      "X-Trino-Schema": schema,
      "X-Trino-Time-Zone": "UTC",
      // Otherwise timestamps are cut to milliseconds.
      "X-Trino-Client-Capabilities": "PARAMETRIC_DATETIME",
      "X-Trino-Query-Data-Encoding": "json",
      "X-Trino-Session": session.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join(","),
    },
    retry,
    requestTimeoutMs: options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
    maxResponseBytes: options.maxResponseBytes ?? DEFAULT_MAX_RESPONSE_BYTES,
  };
}

function authorization(user: string, auth: TrinoAuth): string {
  if ("token" in auth) {
    if (!/^[\x21-\x7e]+$/.test(auth.token))
      throw invalid("trino", "auth.token must be printable ASCII characters without spaces");
    return `Bearer ${auth.token}`;
  }
  return `Basic ${Buffer.from(`${user}:${auth.password}`).toString("base64")}`;
}

function originOf(text: string, hasCredentials: boolean): URL {
  const op = "trino";
  const expected =
    "url must be the coordinator's, such as https://trino.example.com or http://127.0.0.1:8080";
  // The text is not shown: it may hold a password.
  if (!URL.canParse(text)) throw invalid(op, expected);
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:")
    throw invalid(op, `${expected}, got ${url.protocol}`);
  if (url.username !== "" || url.password !== "")
    throw invalid(op, "url must not contain a user or a password. Pass user and auth");
  if (url.search !== "" || url.hash !== "") throw invalid(op, `${expected}, without a query or a fragment`);
  if (hasCredentials && url.protocol === "http:" && !isLoopback(url.hostname))
    throw invalid(
      op,
      `credentials are not sent to ${url.host} over plain http, where others can read them. Use https://${url.host}`,
    );
  return url;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(?:\.\d+){3}$/.test(hostname);
}
