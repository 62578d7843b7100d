import type { ResultOptions } from "../duckdb/duckdb.ts";
import type { QueryProgress } from "../plan/plan-context.ts";
import type { ResultLimit } from "./result-limit.ts";

/** Options of a query. */
export interface SqlOptions extends ResultOptions, ResultLimit {
  /** Ends the query, which then fails with `aborted`, at once. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Ends the query after this many milliseconds, the conversion of its rows included; it then fails with `timeout`, at once. With
   * `stream` and `open`, the time until the last batch is taken counts. Default: no limit.
   */
  readonly timeoutMs?: number | undefined;
  /** Called after each list request, after each file that is ready to read, and when DuckDB starts. */
  readonly onProgress?: ((progress: QueryProgress) => void) | undefined;
}
