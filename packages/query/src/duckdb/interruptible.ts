import type { DuckDBConnection } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import type { CallOptions } from "./duckdb.ts";

/** How often an interrupt is repeated until the query has stopped: one that comes too early is forgotten. */
const INTERRUPT_EVERY_MS = 20;

/** Runs something on a connection that the signal interrupts. */
export async function interruptible<T>(
  connection: DuckDBConnection,
  { signal }: CallOptions,
  run: () => Promise<T>,
): Promise<T> {
  if (signal?.aborted === true) throw aborted();
  let interrupting: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    interrupting = setTimeout(interrupt, INTERRUPT_EVERY_MS);
  };
  signal?.addEventListener("abort", interrupt, { once: true });
  try {
    return await run();
  } catch (error) {
    // Read anew: the signal may have fired while the query ran.
    throw signal !== undefined && isAborted(signal) ? aborted() : error;
  } finally {
    signal?.removeEventListener("abort", interrupt);
    clearTimeout(interrupting);
  }
}

const isAborted = ({ aborted: fired }: AbortSignal): boolean => fired;

function aborted(): StorageError {
  return new StorageError({
    code: "aborted",
    op: "sql",
    message: "sql: interrupted by the caller's signal.",
  });
}
