import type { DuckDBConnection } from "@duckdb/node-api";
import { StorageError } from "@parquetry/core";
import type { CallOptions } from "./duckdb.ts";

/** An interrupt is repeated this often until the query has stopped: one that comes too early is lost. */
const INTERRUPT_EVERY_MS = 20;
/** A statement that has not stopped after this time does not react to interrupts. */
export const ABORT_GRACE_MS = 1_000;

/**
 * Runs something on a connection, and interrupts it when the signal fires.
 *
 * @param onStuck called when it does not stop.
 */
export async function interruptible<T>(
  connection: DuckDBConnection,
  { signal }: CallOptions,
  run: () => Promise<T>,
  onStuck: () => void,
): Promise<T> {
  if (signal?.aborted === true) throw interrupted();
  let interrupting: NodeJS.Timeout | undefined;
  let waiting: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    connection.interrupt();
    interrupting = setTimeout(interrupt, INTERRUPT_EVERY_MS);
  };
  const abort = (): void => {
    waiting = setTimeout(onStuck, ABORT_GRACE_MS);
    interrupt();
  };
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await run();
  } catch (error) {
    throw isAborted(signal) ? interrupted() : error;
  } finally {
    signal?.removeEventListener("abort", abort);
    clearTimeout(interrupting);
    clearTimeout(waiting);
  }
}

/** In a function, since the compiler takes `signal.aborted` to be false still. */
const isAborted = (signal: AbortSignal | undefined): boolean => signal?.aborted === true;

/** The error of a query that the caller's signal has interrupted. */
export function interrupted(): StorageError {
  return new StorageError({
    code: "aborted",
    op: "sql",
    message: "sql: interrupted by the caller's signal.",
  });
}
