import { isStorageError, StorageError, type StorageErrorCode } from "@parquetry/core";

/** How DuckDB's messages begin, and what that means here. */
const CODES: readonly (readonly [RegExp, StorageErrorCode])[] = [
  [/^INTERRUPT Error/i, "aborted"],
  [/^Permission Error/i, "permission_denied"],
  [/^Out of Memory Error/i, "unavailable"],
  [/^(?:Not implemented) Error/i, "not_supported"],
  [/^HTTP Error[\s\S]*\b403\b/, "permission_denied"],
  [/^HTTP Error[\s\S]*\b404\b/, "not_found"],
  [/^HTTP Error|^IO Error: Could not (?:connect|establish)/, "unavailable"],
  [/No files found|Cannot open file|No such file or directory|does not exist on disk/i, "not_found"],
  [
    /^(?:IO|Serialization) Error|TProtocol|Snappy|too small to be a Parquet|No magic bytes|Invalid Error|Corrupt/i,
    "corrupt",
  ],
];

/**
 * Makes a {@link StorageError} of what DuckDB threw. SQL that fails is `invalid_argument`, with DuckDB's message and the
 * place it points at.
 *
 * @param readable turns the engine's own paths in a message into the caller's.
 */
export function duckDbError(
  error: unknown,
  op: string,
  readable: (text: string) => string = (text) => text,
): StorageError {
  if (isStorageError(error)) return error;
  const message = readable(error instanceof Error ? error.message : String(error));
  const code = CODES.find(([pattern]) => pattern.test(message))?.[1] ?? "invalid_argument";
  return new StorageError({
    code,
    op,
    retry: "never",
    message: `${op}: ${withHint(code, message.trimEnd())}`,
    // DuckDB's error holds nothing more than its message, and that one names the engine's own paths.
    cause: undefined,
  });
}

function withHint(code: StorageErrorCode, message: string): string {
  if (code === "aborted") return "interrupted.";
  if (code === "unavailable" && /^Out of Memory/i.test(message))
    return `${message}\nRaise the option memoryLimit, or ask for less at once.`;
  return message;
}

/** The answer of `json_serialize_sql` or `json_serialize_plan` where it is an error. */
export interface SerializedError {
  /** `parser`, `binder`, `catalog`, … */
  readonly type: string;
  /** The error for the caller, with a line that points at the place. */
  readonly error: StorageError;
  /** The column, where one was not found. */
  readonly column: string | undefined;
}

/** Reads the error that `json_serialize_*` answers with instead of throwing. */
export function serializedError(answer: Readonly<Record<string, unknown>>, sql: string): SerializedError {
  const type = String(answer["error_type"] ?? "unknown");
  const text = String(answer["error_message"] ?? "unknown error");
  const position = Number(answer["position"] ?? Number.NaN);
  const kind = `${type.slice(0, 1).toUpperCase()}${type.slice(1)}`;
  const pointer = Number.isInteger(position) ? `\n\n${pointAt(sql, position)}` : "";
  const column = answer["error_subtype"] === "COLUMN_NOT_FOUND" ? String(answer["name"]) : undefined;
  return {
    type,
    column,
    error: new StorageError({
      code: "invalid_argument",
      op: "sql",
      message: `sql: ${kind} Error: ${text}${pointer}`,
    }),
  };
}

/** The line of a place in the SQL, given in bytes as DuckDB does, and a caret below it. */
export function pointAt(sql: string, byteOffset: number): string {
  const before = Buffer.from(sql, "utf8").subarray(0, byteOffset).toString("utf8");
  const lineStart = before.lastIndexOf("\n") + 1;
  const lineNumber = before.split("\n").length;
  const rest = sql.indexOf("\n", before.length);
  const line = sql.slice(lineStart, rest < 0 ? undefined : rest);
  const column = before.length - lineStart;
  // A long line is shown around the place.
  const from = Math.max(0, column - 50);
  const label = `LINE ${lineNumber}: ${from > 0 ? "…" : ""}`;
  return `${label}${line.slice(from, from + 100)}\n${" ".repeat(label.length + column - from)}^`;
}
