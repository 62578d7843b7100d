import { isStorageError, StorageError } from "@parquetry/core";
import type { DuckDbResult } from "./duckdb.ts";
import { interrupted } from "./interruptible.ts";

/** The longest time that a timer of Node can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/** The limits of time of a call. */
export interface TimeLimits {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
}

/** A signal that fires at the caller's signal or after the timeout. */
export interface Deadline {
  readonly signal: AbortSignal | undefined;
  /** The error to throw for an error: `timeout` if the timeout was the cause. */
  readonly explain: (error: unknown) => unknown;
}

/** The deadline of a call that starts now. */
export function deadlineOf({ signal, timeoutMs }: TimeLimits): Deadline {
  if (timeoutMs === undefined) return { signal, explain: (error) => error };
  const timeout = AbortSignal.timeout(Math.min(Math.ceil(timeoutMs), MAX_TIMEOUT_MS));
  return {
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    explain: (error) => {
      if (!timeout.aborted || signal?.aborted === true || !isStorageError(error, "aborted")) return error;
      return new StorageError({
        code: "timeout",
        op: "sql",
        retry: "never",
        message: `sql: no result within ${timeoutMs} ms. Read fewer partitions, or set a longer time limit.`,
      });
    },
  };
}

/**
 * Runs something until a deadline. At the deadline it rejects at once; what was running stops when it can, since DuckDB does not
 * react to interrupts in every phase.
 *
 * @param discard frees a result that comes too late.
 */
export async function untilDeadline<T>(
  { signal, explain }: Deadline,
  run: (signal: AbortSignal | undefined) => Promise<T>,
  discard: (late: T) => unknown = () => {},
): Promise<T> {
  let stop: (() => void) | undefined;
  try {
    if (signal === undefined) return await run(signal);
    if (signal.aborted) throw interrupted();
    return await new Promise<T>((resolve, reject) => {
      let isLate = false;
      stop = (): void => {
        isLate = true;
        reject(interrupted());
      };
      signal.addEventListener("abort", stop, { once: true });
      run(signal).then((result) => (isLate ? discard(result) : resolve(result)), reject);
    });
  } catch (error) {
    throw explain(error);
  } finally {
    if (stop !== undefined) signal?.removeEventListener("abort", stop);
  }
}

/** A result whose rows must be converted before a deadline. */
export function resultUntilDeadline(result: DuckDbResult, deadline: Deadline): DuckDbResult {
  async function* inTime<T>(all: AsyncGenerator<T>): AsyncGenerator<T> {
    try {
      for (;;) {
        const next = await untilDeadline(deadline, () => all.next());
        if (next.done === true) return;
        yield next.value;
      }
    } finally {
      // It may still be converting a batch, which nobody waits for.
      all.return(undefined).catch(() => {});
      result.close();
    }
  }
  const { columns, rowCount } = result;
  return {
    columns,
    rowCount,
    batches: () => inTime(result.batches()),
    rawBatches: () => inTime(result.rawBatches()),
    close: () => result.close(),
  };
}
