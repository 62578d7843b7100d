import { isStorageError, type StorageErrorOptions } from "@parquetry/core";
import type { Statement } from "../../statement/statement.ts";
import type { DuckDb, DuckDbOptions, DuckDbResult, MergeOptions, ResultFile, RunOptions } from "../duckdb.ts";
import type { RawBatch } from "../results/raw-column.ts";
import type { FileGroup } from "../views/scan-table.ts";
import type { SentFiles, SentTables } from "./sent-files.ts";

/** The calls that the child process answers. Everything in them survives a structured clone. */
export interface DuckDbCalls extends Pick<DuckDb, "grant" | "prepare" | "prune" | "readNote"> {
  open(options: DuckDbOptions): Promise<void>;
  groupFiles(files: SentFiles): Promise<readonly WireGroup[]>;
  isAllNull(files: SentFiles, group: Omit<FileGroup, "files">, column: string): Promise<boolean>;
  run(statement: Statement, tables: SentTables, options: RunOptions): Promise<WireResult>;
  runToParquet(statement: Statement, tables: SentTables, options: RunOptions): Promise<ResultFile>;
  merge(tables: SentTables, options: MergeOptions): Promise<ResultFile>;
  /** The next batch of a result, or undefined after the last. */
  next(result: number): Promise<RawBatch | undefined>;
  closeResult(result: number): Promise<void>;
}

export type DuckDbCall = keyof DuckDbCalls;

/** A result that stays in the child process. */
export interface WireResult extends Pick<DuckDbResult, "columns" | "rowCount"> {
  readonly result: number;
}

/** A {@link FileGroup} of files that the parent process has. */
export interface WireGroup extends Omit<FileGroup, "files"> {
  /** The places of the files in the list of them. */
  readonly files: Uint32Array;
}

/** A message to the child process. */
export type Request =
  | { readonly id: number; readonly call: DuckDbCall; readonly args: readonly unknown[] }
  | { readonly abort: number };

/** A message from the child process. */
export type Answer =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: StorageErrorOptions };

/** The facts of an error as plain data. */
export function toWire(error: unknown): StorageErrorOptions {
  if (!isStorageError(error)) {
    const message = `sql: ${error instanceof Error ? error.message : String(error)}`;
    return { code: "unavailable", op: "sql", retry: "never", message };
  }
  const { code, op, path, backend, retry, attempts, storeCode, message } = error;
  return { code, op, path, backend, retry, attempts, storeCode, message };
}
