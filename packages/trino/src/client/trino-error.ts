import { StorageError, type StorageErrorCode } from "@parquetry/core/backend";
import type { TrinoFailure } from "./protocol.ts";

/** The longest part of a message of Trino that is shown. */
const MESSAGE_LENGTH = 2_000;

const CODE_BY_NAME: Readonly<Record<string, StorageErrorCode>> = {
  ALREADY_EXISTS: "already_exists",
  TABLE_ALREADY_EXISTS: "already_exists",
  SCHEMA_ALREADY_EXISTS: "already_exists",
  NOT_FOUND: "not_found",
  TABLE_NOT_FOUND: "not_found",
  SCHEMA_NOT_FOUND: "not_found",
  CATALOG_NOT_FOUND: "not_found",
  PERMISSION_DENIED: "permission_denied",
  NOT_SUPPORTED: "not_supported",
  USER_CANCELED: "aborted",
  ABANDONED_QUERY: "timeout",
  EXCEEDED_TIME_LIMIT: "timeout",
  EXCEEDED_CPU_LIMIT: "timeout",
  QUERY_QUEUE_FULL: "rate_limited",
  TOO_MANY_REQUESTS_FAILED: "unavailable",
  HIVE_BAD_DATA: "corrupt",
  HIVE_FILE_NOT_FOUND: "not_found",
};

const CODE_BY_TYPE: Readonly<Record<string, StorageErrorCode>> = {
  USER_ERROR: "invalid_argument",
  INSUFFICIENT_RESOURCES: "unavailable",
  EXTERNAL: "unavailable",
  INTERNAL_ERROR: "unavailable",
};

/** The failures after which the same query may succeed. */
const PASSING: ReadonlySet<string> = new Set([
  "QUERY_QUEUE_FULL",
  "SERVER_STARTING_UP",
  "SERVER_SHUTTING_DOWN",
  "NO_NODES_AVAILABLE",
  "CLUSTER_OUT_OF_MEMORY",
  "TOO_MANY_REQUESTS_FAILED",
  "PAGE_TRANSPORT_ERROR",
  "PAGE_TRANSPORT_TIMEOUT",
  "REMOTE_TASK_ERROR",
  "REMOTE_HOST_GONE",
]);

const REMEDY: Readonly<Record<string, string>> = {
  ABANDONED_QUERY:
    "Trino ends a query whose rows are not fetched for five minutes. Take them faster, or read fewer.",
  CATALOG_NOT_FOUND: "Check the catalog, which SHOW CATALOGS lists.",
  EXCEEDED_LOCAL_MEMORY_LIMIT:
    "Read fewer partitions or columns, or ask for a larger query.max-memory-per-node.",
  EXCEEDED_GLOBAL_MEMORY_LIMIT: "Read fewer partitions or columns, or ask for a larger query.max-memory.",
  EXCEEDED_TIME_LIMIT: "Read fewer partitions, or raise query_max_run_time in session.",
  PERMISSION_DENIED: "Ask whoever runs the cluster to allow it to this user.",
  QUERY_QUEUE_FULL: "The cluster has too many queries. Run it again later.",
  QUERY_TEXT_TOO_LARGE: "Filter by partition keys, compact the table, or ask for a larger query.max-length.",
  SCHEMA_NOT_FOUND: "Create the schema and its tables with `parquetry register --engine trino`.",
  SERVER_STARTING_UP: "The cluster is starting. Run it again in a minute.",
  SERVER_SHUTTING_DOWN: "The cluster is shutting down. Run it again in a minute.",
  TABLE_NOT_FOUND: "Create the tables with `parquetry register --engine trino`.",
};

/** The error of a query that Trino reports as failed. Its name of the failure is the `storeCode`. */
export function failureError({ errorName, errorType, message }: TrinoFailure, queryId: string): StorageError {
  const remedy = REMEDY[errorName];
  return trinoError({
    code: CODE_BY_NAME[errorName] ?? CODE_BY_TYPE[errorType] ?? "unavailable",
    storeCode: errorName,
    retry: PASSING.has(errorName) ? "safe" : "never",
    message: `${clip(message)} (${errorName}, query ${queryId})${remedy === undefined ? "" : `. ${remedy}`}`,
  });
}

/** The error of an HTTP status that is not 200. */
export function statusError(status: number, context: StatusContext): StorageError {
  const { host, isPoll, retryAfterMs } = context;
  const of = (code: StorageErrorCode, problem: string, retry?: "never"): StorageError =>
    trinoError({ code, storeCode: `HTTP ${status}`, message: `${host}: ${problem}`, retryAfterMs, retry });
  if (status === 401)
    return of("unauthenticated", "the user, password or token was refused (HTTP 401). Check user and auth");
  if (status === 403)
    return of("permission_denied", "the user may not run queries here, or not as this user (HTTP 403)");
  if (status === 429)
    return of("rate_limited", "the cluster asks for fewer requests (HTTP 429). Run it again later");
  if ((status === 404 || status === 410) && isPoll)
    return of(
      "unavailable",
      `the cluster no longer knows the query (HTTP ${status}): it was restarted, or ended the query. Run it again`,
      "never",
    );
  if (status === 404) return of("invalid_argument", "no Trino answers at this URL (HTTP 404). Check it");
  if (status >= 300 && status < 400)
    return of(
      "invalid_argument",
      `the URL redirects (HTTP ${status}). Pass the final https URL of the coordinator`,
    );
  if (status >= 502 && status <= 504)
    return of(
      "unavailable",
      `the cluster is overloaded, starting or restarting (HTTP ${status}). Run it again later`,
    );
  if (status >= 500)
    return of("unavailable", `the coordinator failed (HTTP ${status}). See its log`, "never");
  return of(
    "invalid_argument",
    `the request was refused (HTTP ${status}). Check that this is the coordinator's URL`,
  );
}

/** Where a status came from. */
export interface StatusContext {
  readonly host: string;
  /** True for a request about a query that runs. */
  readonly isPoll: boolean;
  readonly retryAfterMs?: number | undefined;
}

/** The fields of an error of this package. */
interface TrinoErrorFields {
  readonly code: StorageErrorCode;
  readonly message: string;
  readonly storeCode?: string | undefined;
  readonly retry?: "never" | "safe" | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** An error of the operation `sql` on the backend `trino`. */
export function trinoError({ message, ...rest }: TrinoErrorFields): StorageError {
  return new StorageError({
    ...rest,
    op: "sql",
    backend: "trino",
    message: `sql: ${message.replace(/\.$/, "")}.`,
  });
}

function clip(text: string): string {
  return text.length > MESSAGE_LENGTH ? `${text.slice(0, MESSAGE_LENGTH)}…` : text;
}
