import type { DuckDBConnection, DuckDBInstance } from "@duckdb/node-api";

/** Runs something on a new connection, and closes it. */
export async function withConnection<T>(
  instance: DuckDBInstance,
  run: (connection: DuckDBConnection) => Promise<T>,
): Promise<T> {
  const connection = await instance.connect();
  try {
    return await run(connection);
  } finally {
    connection.closeSync();
  }
}
