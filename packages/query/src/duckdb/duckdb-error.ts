import { isStorageError, StorageError, type StorageErrorCode } from "@parquetry/core";
import { isNode } from "../statement/sql-tree.ts";

/** DuckDB's types of errors that have one meaning, in lower case. */
const CODES: Readonly<Record<string, StorageErrorCode>> = {
  interrupt: "aborted",
  permission: "permission_denied",
  "out of memory": "unavailable",
  "not implemented": "not_supported",
};
const HTTP_CODES: Readonly<Record<string, StorageErrorCode>> = { 403: "permission_denied", 404: "not_found" };
const INVALIDATED = /database has been invalidated/;
/** Types of errors that a file can cause with which DuckDB cannot cope: a check of DuckDB itself, or an exception of a library. */
const INTERNAL_TYPES: ReadonlySet<string> = new Set(["internal", "fatal", "unknown"]);
/** DuckDB has no types for a missing file and for a damaged one. */
const MESSAGES: Readonly<Record<string, readonly (readonly [RegExp, StorageErrorCode])[]>> = {
  io: [
    [/^Cannot open file [\s\S]*: (?:Permission denied|Access is denied)/, "permission_denied"],
    [/^No files found|^Cannot open file|No such file or directory/, "not_found"],
    [/^Could not (?:connect|establish)/, "unavailable"],
    [/^/, "corrupt"],
  ],
  fatal: [[INVALIDATED, "unavailable"]],
  internal: [[/^File is encrypted/, "not_supported"]],
  invalid: [[/^/, "corrupt"]],
  serialization: [[/^/, "corrupt"]],
  "invalid input": [
    [/^File (?:'[^']*' )?is encrypted/, "not_supported"],
    [
      /^Failed to read file |^No magic bytes |^Footer length |^Invalid string encoding found in Parquet/,
      "corrupt",
    ],
    [/^File '[^']*' too small to be a Parquet file/, "corrupt"],
  ],
};

/**
 * Types of errors that the reader of Parquet raises for damaged pages, and that also have other causes, and words of its messages. They
 * only decide whether the files are read again, one by one.
 */
const SUSPECT_TYPES: ReadonlySet<string> = new Set(["invalid input", "out of range", "not implemented"]);
const SUSPECT =
  /parquet|corrupt|bitpack|dictionary|decompress|\b(?:zstd|gzip|snappy|brotli|lz4|delta|rle|page|varint|thrift|encoding)\b/i;

/** A value in the path of a file that the type of its key does not hold. The file may be good. */
const OF_A_KEY = /\(from hive partition column '/;

/** An error as DuckDB describes it: the only place where its words are read. */
export interface DuckDbProblem {
  /** DuckDB's type, such as `Binder`, `Parser`, `IO` or `Out of Memory`. */
  readonly type: string;
  readonly code: StorageErrorCode;
  readonly message: string;
  /** Everything quoted in the message, such as the name of a file. */
  readonly quoted: ReadonlySet<string>;
  /** The column that was not found. Absent for every other error. */
  readonly column?: string | undefined;
  /** The line of the SQL that it is about, with a caret below the place. Absent where DuckDB names none. */
  readonly place?: string | undefined;
}

/** True for a problem that a file may have caused although it names none and has no type that says so. */
export function isInternal({ type, code }: Pick<DuckDbProblem, "type" | "code">): boolean {
  return INTERNAL_TYPES.has(type.toLowerCase()) && code !== "unavailable";
}

/** True for a problem that a damaged page may have caused, or something else. */
export function isSuspect({ type, message }: Pick<DuckDbProblem, "type" | "message">): boolean {
  return SUSPECT_TYPES.has(type.toLowerCase()) && SUSPECT.test(message) && !OF_A_KEY.test(message);
}

/** True for the error of a statement that failed only because an earlier one had invalidated its database. */
export function isInvalidated(error: unknown): boolean {
  if (isStorageError(error)) return error.storeCode === "FATAL" && error.code === "unavailable";
  const { type, message } = thrownProblem(error);
  return type === "FATAL" && INVALIDATED.test(message);
}

/** Reads what DuckDB threw. All databases of this package have `errors_as_json` on. */
export function thrownProblem(error: unknown, sql = ""): DuckDbProblem {
  const text = error instanceof Error ? error.message : String(error);
  try {
    // Errors of the parser have their type before the JSON as well.
    const facts: unknown = JSON.parse(text.slice(text.indexOf("{")));
    if (isNode(facts) && "exception_type" in facts)
      return problem(facts["exception_type"], facts["exception_message"], facts, sql);
  } catch {
    // The driver's own errors are plain text, and trusted SQL may turn the setting off.
  }
  const [, type = "Unknown", message = text] = /^([A-Z][\w ]*) Error: ([\s\S]*)$/.exec(text) ?? [];
  return problem(type, message, {}, sql);
}

/** Reads what `json_serialize_sql` and `json_serialize_plan` return instead of throwing. */
export function serializedProblem(
  answer: Readonly<Record<string, unknown>>,
  sql: string,
): DuckDbProblem | undefined {
  if (answer["error"] !== true) return undefined;
  const type = String(answer["error_type"] ?? "unknown");
  return problem(
    `${type.slice(0, 1).toUpperCase()}${type.slice(1)}`,
    answer["error_message"] ?? "unknown error",
    answer,
    sql,
  );
}

function problem(
  givenType: unknown,
  givenMessage: unknown,
  facts: Readonly<Record<string, unknown>>,
  sql: string,
): DuckDbProblem {
  const [type, text] = [String(givenType), String(givenMessage).trimEnd()];
  const isMissing = facts["error_subtype"] === "COLUMN_NOT_FOUND";
  const position = Number(facts["position"] ?? Number.NaN);
  return {
    type,
    code: codeOf(type.toLowerCase(), text, String(facts["status_code"])),
    // Candidates are added later, from all tables of the query.
    message: isMissing ? text.replace(/\n?Candidate bindings: [^\n]*/, "") : text,
    quoted: new Set([...text.matchAll(/"([^"]+)"|'([^']+)'/g)].map(([, a, b]) => a ?? b ?? "")),
    column: isMissing ? String(facts["name"]) : undefined,
    place: Number.isInteger(position) && sql !== "" ? pointAt(sql, position) : undefined,
  };
}

function codeOf(type: string, message: string, status: string): StorageErrorCode {
  if (type === "http") return HTTP_CODES[status] ?? "unavailable";
  const found = MESSAGES[type]?.find(([pattern]) => pattern.test(message))?.[1];
  return CODES[type] ?? found ?? "invalid_argument";
}

/**
 * The error of a query that DuckDB cannot run.
 *
 * @param hint a sentence that is added to DuckDB's message.
 */
export function problemError(
  { type, code, message, place }: Omit<DuckDbProblem, "quoted">,
  {
    op = "sql",
    path,
    hint = "",
  }: { readonly op?: string; readonly path?: string | undefined; readonly hint?: string } = {},
): StorageError {
  const advice = type === "Out of Memory" ? "\nRaise the option memoryLimit, or ask for less at once." : "";
  const pointer = place === undefined ? "" : `\n\n${place}`;
  const said = code === "aborted" ? "interrupted." : `${type} Error: ${message}${hint}${advice}${pointer}`;
  // The cause is left out: it holds nothing more, and names DuckDB's own paths.
  return new StorageError({ code, op, path, storeCode: type, retry: "never", message: `${op}: ${said}` });
}

/** The line of a place in the SQL, given in bytes as DuckDB does, with a caret below it. */
export function pointAt(sql: string, byteOffset: number): string {
  const before = Buffer.from(sql, "utf8").subarray(0, byteOffset).toString("utf8");
  const lineStart = before.lastIndexOf("\n") + 1;
  const lineNumber = before.split("\n").length;
  const rest = sql.indexOf("\n", before.length);
  const line = sql.slice(lineStart, rest < 0 ? undefined : rest);
  const column = before.length - lineStart;
  // Shows the part of a long line around the place.
  const from = Math.max(0, column - 50);
  const label = `LINE ${lineNumber}: ${from > 0 ? "…" : ""}`;
  return `${label}${line.slice(from, from + 100)}\n${" ".repeat(label.length + column - from)}^`;
}
