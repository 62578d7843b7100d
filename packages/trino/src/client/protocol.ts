import { isPlainObject } from "@parquetry/core/unstable";

/** A type as Trino describes it: `row(a bigint)` is `row` with one argument. */
export interface TypeSignature {
  readonly rawType: string;
  readonly arguments: readonly TypeArgument[];
}

/** An argument of a type: a type, a field of a row, or a number. */
export interface TypeArgument {
  readonly kind: string;
  readonly value: unknown;
}

/** A column of a result. */
export interface TrinoColumn {
  readonly name: string;
  readonly type: string;
  readonly typeSignature: TypeSignature;
}

/** The failure of a query. */
export interface TrinoFailure {
  readonly message: string;
  readonly errorName: string;
  readonly errorType: string;
}

/** The progress of a running query, as the cluster reports it. */
export interface TrinoProgress {
  readonly state: string;
  readonly elapsedMs: number;
  readonly cpuMs: number;
  readonly queuedMs: number;
  readonly processedRows: number;
  readonly processedBytes: number;
  readonly peakMemoryBytes: number;
}

/** A segment of rows of the spooling protocol. */
export interface Segment {
  readonly type: "inline" | "spooled";
  /** The rows in base64, where they are inline. */
  readonly data: string | undefined;
  readonly uri: string | undefined;
  readonly ackUri: string | undefined;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** One answer of the statement protocol. */
export interface Page {
  readonly id: string;
  readonly nextUri: string | undefined;
  readonly columns: readonly TrinoColumn[] | undefined;
  readonly rows: readonly (readonly unknown[])[] | undefined;
  readonly segments: readonly Segment[] | undefined;
  readonly encoding: string | undefined;
  readonly failure: TrinoFailure | undefined;
  readonly progress: TrinoProgress;
}

/** Reads an answer, of which nothing is taken for granted. Undefined where it is not one of Trino's. */
export function parsePage(json: unknown): Page | undefined {
  if (!isPlainObject(json) || typeof json["id"] !== "string") return undefined;
  const { id, nextUri, columns, data, error } = json;
  const parsedColumns = Array.isArray(columns) ? columns.map(parseColumn) : undefined;
  if (parsedColumns?.includes(undefined) === true) return undefined;
  const spooled = isPlainObject(data) ? data : undefined;
  const segments = spooled === undefined ? undefined : parseSegments(spooled["segments"]);
  if (spooled !== undefined && segments === undefined) return undefined;
  if (Array.isArray(data) && !data.every(Array.isArray)) return undefined;
  return {
    id,
    nextUri: typeof nextUri === "string" ? nextUri : undefined,
    // Checked above.
    columns: parsedColumns as readonly TrinoColumn[] | undefined,
    rows: Array.isArray(data) ? (data as readonly (readonly unknown[])[]) : undefined,
    segments,
    encoding: spooled === undefined ? undefined : String(spooled["encoding"]),
    failure: parseFailure(error),
    progress: parseProgress(json["stats"]),
  };
}

function parseColumn(json: unknown): TrinoColumn | undefined {
  if (!isPlainObject(json)) return undefined;
  const { name, type } = json;
  const typeSignature = parseSignature(json["typeSignature"]);
  if (typeof name !== "string" || typeof type !== "string" || typeSignature === undefined) return undefined;
  return { name, type, typeSignature };
}

/** Reads a type signature. Undefined where it is none. */
export function parseSignature(json: unknown): TypeSignature | undefined {
  if (!isPlainObject(json) || typeof json["rawType"] !== "string") return undefined;
  const given = json["arguments"];
  const args = Array.isArray(given) ? given : [];
  return {
    rawType: json["rawType"],
    arguments: args.flatMap((one) =>
      isPlainObject(one) ? [{ kind: String(one["kind"]), value: one["value"] }] : [],
    ),
  };
}

function parseSegments(json: unknown): readonly Segment[] | undefined {
  if (!Array.isArray(json)) return undefined;
  const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
  return json.map((one): Segment => {
    const segment = isPlainObject(one) ? one : {};
    const headers = isPlainObject(segment["headers"]) ? segment["headers"] : {};
    return {
      type: segment["type"] === "spooled" ? "spooled" : "inline",
      data: text(segment["data"]),
      uri: text(segment["uri"]),
      ackUri: text(segment["ackUri"]),
      headers: Object.fromEntries(
        Object.entries(headers).map(([name, values]) => [
          name,
          Array.isArray(values) ? values.map(String) : [],
        ]),
      ),
    };
  });
}

function parseFailure(json: unknown): TrinoFailure | undefined {
  if (!isPlainObject(json)) return undefined;
  const { message, errorName, errorType } = json;
  return {
    message: typeof message === "string" ? message : "no message",
    errorName: typeof errorName === "string" ? errorName : "UNKNOWN",
    errorType: typeof errorType === "string" ? errorType : "INTERNAL_ERROR",
  };
}

function parseProgress(json: unknown): TrinoProgress {
  const stats = isPlainObject(json) ? json : {};
  const number = (name: string): number => Number(stats[name] ?? 0) || 0;
  return {
    state: String(stats["state"] ?? "UNKNOWN"),
    elapsedMs: number("elapsedTimeMillis"),
    cpuMs: number("cpuTimeMillis"),
    queuedMs: number("queuedTimeMillis"),
    processedRows: number("processedRows"),
    processedBytes: number("physicalInputBytes") || number("processedBytes"),
    peakMemoryBytes: number("peakMemoryBytes"),
  };
}
