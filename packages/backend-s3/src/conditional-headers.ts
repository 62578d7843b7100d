import { isStorageError, type Key, type OperationOptions } from "@parquetry/core/backend";
import type { Preconditions } from "@parquetry/core/unstable";
import { headObject } from "./object-headers.ts";
import type { S3Connection } from "./s3-connection.ts";

/** The headers of a conditional write. */
export interface ConditionalHeaders {
  readonly "if-match"?: string;
  readonly "if-none-match"?: string;
}

/**
 * Sends a write with its conditions in the form that the server understands. radosgw 16 compares the quoted ETag of a PUT
 * with its own unquoted one and always answers 412. So as long as no `If-Match` has succeeded, the object is looked up after a
 * 412. If it has the expected ETag, the write is sent once more without quotes. Both forms are conditions, so neither can
 * overwrite another version.
 */
export function sendConditionally<T>(
  connection: S3Connection,
  key: Key,
  { ifMatch, ifNoneMatch, signal }: Preconditions & OperationOptions,
  send: (headers: ConditionalHeaders) => Promise<T>,
): Promise<T> {
  const others: ConditionalHeaders = ifNoneMatch === undefined ? {} : { "if-none-match": ifNoneMatch };
  return ifMatch === undefined ? send(others) : sendIfMatch(connection, key, ifMatch, others, signal, send);
}

async function sendIfMatch<T>(
  connection: S3Connection,
  key: Key,
  ifMatch: string,
  others: ConditionalHeaders,
  signal: AbortSignal | undefined,
  send: (headers: ConditionalHeaders) => Promise<T>,
): Promise<T> {
  const { style } = connection.ifMatch;
  const sendAs = async (wanted: "quoted" | "plain"): Promise<T> => {
    const result = await send({ ...others, "if-match": wanted === "plain" ? ifMatch : `"${ifMatch}"` });
    connection.ifMatch.style = wanted;
    return result;
  };
  try {
    return await sendAs(style === "plain" ? "plain" : "quoted");
  } catch (error) {
    if (style !== "unknown" || !isStorageError(error, "precondition_failed")) throw error;
    if ((await etagNow(connection, key, signal)) !== ifMatch) throw error;
    return await sendAs("plain");
  }
}

/** Returns the current ETag of the object, or undefined if it is unknown. */
async function etagNow(
  connection: S3Connection,
  key: Key,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    return (await headObject(connection, key, { op: "put", path: key, signal })).info.etag;
  } catch {
    // The first answer is the one to report.
    return undefined;
  }
}
