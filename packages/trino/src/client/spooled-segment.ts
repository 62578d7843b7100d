import type { Connection } from "./connection.ts";
import { parseExactJson } from "./exact-json.ts";
import type { Segment } from "./protocol.ts";
import { requestBytes, requestQuietly } from "./transport.ts";
import { trinoError } from "./trino-error.ts";

/** Bytes of a segment that are parsed together: about as many as a page of the coordinator has. */
const PIECE_BYTES = 1024 * 1024;

/**
 * Yields the rows of a segment of the spooling protocol, some at a time: large results are not sent by the coordinator, but stored as
 * objects of up to 16 MB that the client downloads. A presigned URL of another host gets no credentials, and is in no error.
 *
 * @throws StorageError `unavailable`, `not_supported` for an encoding that was not asked for.
 */
export async function* readSegment(
  connection: Connection,
  segment: Segment,
  encoding: string | undefined,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly (readonly unknown[])[]> {
  if (encoding !== "json")
    throw trinoError({
      code: "not_supported",
      message: `the cluster sends rows as ${encoding}, and json was asked for. Set protocol.spooling.encoding.json.enabled=true on the cluster`,
    });
  for (const piece of rowPieces(await bytesOf(connection, segment, signal), PIECE_BYTES))
    yield parseRows(piece);
  if (segment.type === "spooled" && segment.ackUri !== undefined) {
    // The cluster deletes the object then, or when it expires.
    void requestQuietly(connection, { method: "GET", url: segment.ackUri, headers: headersOf(segment) });
  }
}

/**
 * Splits an array of arrays in JSON between its elements, into JSON arrays of at least `size` bytes. Rows as JavaScript values take
 * many times their bytes. Something else than an array of arrays comes out whole, or in pieces that are not JSON.
 *
 * @example
 * ```ts
 * [...rowPieces(Buffer.from("[[1],[2]]"), 1)].map(String); // ["[[1]]", "[[2]]"]
 * ```
 */
export function* rowPieces(bytes: Buffer, size: number): Generator<Buffer> {
  let depth = 0;
  let isText = false;
  let start = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (isText) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) isText = false;
    } else if (byte === QUOTE) isText = true;
    else if (byte === OPEN) depth++;
    else if (byte === CLOSE) depth--;
    else if (byte === COMMA && depth === 1 && i - start >= size) {
      yield closed(bytes, start, i);
      start = i + 1;
    }
  }
  yield closed(bytes, start, bytes.length);
}

const [QUOTE, BACKSLASH, OPEN, CLOSE, COMMA] = [...Buffer.from('"\\[],')];

/** A part of an array as an array. */
function closed(bytes: Buffer, start: number, end: number): Buffer {
  return Buffer.concat([
    Buffer.from(start === 0 ? "" : "["),
    bytes.subarray(start, end),
    Buffer.from(end === bytes.length ? "" : "]"),
  ]);
}

async function bytesOf(
  connection: Connection,
  segment: Segment,
  signal: AbortSignal | undefined,
): Promise<Buffer> {
  if (segment.type === "inline") return Buffer.from(segment.data ?? "", "base64");
  const { uri } = segment;
  if (uri === undefined || !URL.canParse(uri)) throw damaged();
  return requestBytes(connection, { method: "GET", url: uri, headers: headersOf(segment) }, signal);
}

function headersOf({ headers }: Segment): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.join(", ")]));
}

function parseRows(bytes: Buffer): readonly (readonly unknown[])[] {
  try {
    const rows = parseExactJson(bytes.toString("utf8"));
    // Checked: an array of arrays.
    if (Array.isArray(rows) && rows.every(Array.isArray)) return rows as readonly (readonly unknown[])[];
  } catch {
    // Reported below.
  }
  throw damaged();
}

function damaged(): Error {
  return trinoError({
    code: "unavailable",
    retry: "never",
    message: "the cluster stored a segment of the result that is not Trino's JSON. Run the query again",
  });
}
