import { isStorageError, StorageError, type StorageErrorOptions } from "@parquetry/core";
import type { ColumnBatch, DuckDb, PruneResult, QueryColumn } from "../duckdb.ts";
import type { DuckDbOptions } from "../embedded-duckdb.ts";

/** The calls that the engine's process answers, by name. Everything in them survives a structured clone. */
export interface DuckDbCalls {
  open(options: DuckDbOptions): Promise<void>;
  grant: DuckDb["grant"];
  prepare(...args: Parameters<DuckDb["prepare"]>): ReturnType<DuckDb["prepare"]>;
  prune(...args: Parameters<DuckDb["prune"]>): Promise<WirePruneResult>;
  groupFiles: DuckDb["groupFiles"];
  isAllNull: DuckDb["isAllNull"];
  run(...args: Parameters<DuckDb["run"]>): Promise<WireResult>;
  runToParquet: DuckDb["runToParquet"];
  merge: DuckDb["merge"];
  /** The next batch of a result, or undefined after the last. */
  next(result: number): Promise<ColumnBatch | undefined>;
  closeResult(result: number): Promise<void>;
  close(): Promise<void>;
}

/** The name of a call. */
export type DuckDbCall = keyof DuckDbCalls;

/** A result that stays in the engine's process. */
export interface WireResult {
  readonly result: number;
  readonly columns: readonly QueryColumn[];
  readonly rowCount: number;
}

/** A {@link PruneResult} whose error survives a structured clone. */
export type WirePruneResult =
  | Exclude<PruneResult, { readonly outcome: "invalid" }>
  | { readonly outcome: "invalid"; readonly error: WireError; readonly column?: string | undefined };

/** A StorageError as plain data. */
export type WireError = StorageErrorOptions;

/** What the parent sends. */
export type Request =
  | { readonly id: number; readonly call: DuckDbCall; readonly args: readonly unknown[] }
  | { readonly abort: number };

/** What the engine's process sends. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: WireError };

/** An error as plain data. */
export function toWire(error: unknown): WireError {
  if (!isStorageError(error)) {
    const message = `sql: ${error instanceof Error ? error.message : String(error)}`;
    return { code: "unavailable", op: "sql", retry: "never", message };
  }
  const { code, op, path, backend, retry, attempts, message } = error;
  return { code, op, path, backend, retry, attempts, message };
}

/** The error that it was. */
export function fromWire(error: WireError): StorageError {
  return new StorageError(error);
}
