import type { Storage } from "@parquetry/core";
import { checkBackend, checkOptions, oneOf } from "@parquetry/core/unstable";
import type { QueryEngine } from "@parquetry/query/unstable";
import type { TrinoOptions } from "./client/connection.ts";
import { TrinoClient } from "./client/trino-client.ts";
import { TrinoEngine } from "./trino-engine.ts";

/** Options of {@link trino}. */
export interface TrinoEngineOptions extends TrinoOptions {
  /** The longest statement that the cluster takes, its `query.max-length`. Default 1,000,000, as Trino's. */
  readonly maxQueryLength?: number | undefined;
  /**
   * The treatment of a query that becomes longer because it names more files: `refuse` (default) fails; `plain` runs it over all
   * files in the partitions, committed or not, and says so in `stats.inexact`.
   */
  readonly beyondQueryLength?: "refuse" | "plain" | undefined;
}

const DEFAULT_MAX_QUERY_LENGTH = 1_000_000;

/**
 * A Trino cluster as the engine of `openQuery`. The tables must be registered there (`parquetry register --engine trino`). A query
 * reads exactly the files that are committed when it starts.
 *
 * @throws StorageError `invalid_argument` naming the option.
 * @example
 * ```ts
 * const engine = trino({ url: "https://trino.example.com", catalog: "hive", schema: "lake", user: "ana", auth });
 * await using db = await openQuery(storage, { engine });
 * const { rows } = await db.sql("SELECT week, count(*) AS plays FROM plays WHERE year = ? GROUP BY week", [2024]);
 * ```
 */
export function trino(options: TrinoEngineOptions): QueryEngine {
  checkOptions(
    options,
    { ...ANY_CONNECTION, maxQueryLength: "count", beyondQueryLength: oneOf("refuse", "plain") },
    "trino",
  );
  const { maxQueryLength = DEFAULT_MAX_QUERY_LENGTH, beyondQueryLength = "refuse", ...connection } = options;
  const client = new TrinoClient(connection);
  return {
    name: "trino",
    open: async (storage: Storage) => {
      const { backend } = storage ?? {};
      checkBackend(backend, "storage.backend", "openQuery");
      return new TrinoEngine(client, backend, { maxQueryLength, beyondQueryLength });
    },
  };
}

/** Options that {@link TrinoClient} checks. */
const ANY = { expected: "", is: () => true };
const ANY_CONNECTION = {
  url: ANY,
  catalog: ANY,
  schema: ANY,
  user: ANY,
  auth: ANY,
  session: ANY,
  retry: ANY,
  requestTimeoutMs: ANY,
  maxResponseBytes: ANY,
};
