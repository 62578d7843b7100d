import type { Connection } from "./connection.ts";
import { parseExactJson } from "./exact-json.ts";
import type { Segment } from "./protocol.ts";
import { requestBytes, requestQuietly } from "./transport.ts";
import { trinoError } from "./trino-error.ts";

/**
 * Returns the rows of a segment of the spooling protocol: large results are not sent by the coordinator, but stored as objects that the
 * client downloads. A presigned URL of another host gets no credentials, and is in no error.
 *
 * @throws StorageError `unavailable`, `not_supported` for an encoding that was not asked for.
 */
export async function readSegment(
  connection: Connection,
  segment: Segment,
  encoding: string | undefined,
  signal: AbortSignal | undefined,
): Promise<readonly (readonly unknown[])[]> {
  if (encoding !== "json")
    throw trinoError({
      code: "not_supported",
      message: `the cluster sends rows as ${encoding}, and json was asked for. Set protocol.spooling.encoding.json.enabled=true on the cluster`,
    });
  const rows = parseRows(await bytesOf(connection, segment, signal));
  if (segment.type === "spooled" && segment.ackUri !== undefined) {
    // The cluster deletes the object then, or when it expires.
    void requestQuietly(connection, { method: "GET", url: segment.ackUri, headers: headersOf(segment) });
  }
  return rows;
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
