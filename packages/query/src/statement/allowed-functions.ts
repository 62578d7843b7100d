/** The table functions that locked SQL may call: they turn their arguments into rows and read nothing. */
export const ALLOWED_TABLE_FUNCTIONS: ReadonlySet<string> = new Set([
  "generate_series",
  "json_each",
  "json_tree",
  "range",
  "repeat",
  "repeat_row",
  "unnest",
]);

/**
 * Built-in scalar functions that locked SQL may not call: they run SQL, reveal the session or the machine, write logs, or
 * block a thread.
 */
export const REFUSED_FUNCTIONS: ReadonlySet<string> = new Set([
  "current_connection_id",
  "current_query",
  "current_query_id",
  "current_setting",
  "current_transaction_id",
  "currval",
  "getenv",
  "getvariable",
  "json_deserialize_sql",
  "json_execute_serialized_sql",
  "json_serialize_plan",
  "json_serialize_sql",
  "nextval",
  "pg_sleep",
  "query",
  "query_table",
  "set_config",
  "setseed",
  "sleep_ms",
  "stats",
  "txid_current",
  "which_secret",
  "write_log",
]);
