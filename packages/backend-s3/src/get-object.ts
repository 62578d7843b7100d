import type { IncomingHttpHeaders } from "node:http";
import {
  type ByteRange,
  type GetOptions,
  type GetResult,
  isStorageError,
  type Key,
  type ObjectBody,
  preconditionFailed,
  StorageError,
  verifiedBody,
} from "@parquetry/core/backend";
import { rangeBeyondEnd } from "@parquetry/core/unstable";
import { objectInfo } from "./object-headers.ts";
import { s3Body } from "./s3-body.ts";
import type { S3Connection, S3Purpose, S3Request } from "./s3-connection.ts";

const WHOLE: ByteRange = { start: 0 };

/** Opens an object, or a range of it, with one request. */
export async function getObject(
  connection: S3Connection,
  key: Key,
  { range, ifMatch, verify = false, expectedBytes, mayReuseMemory = false, signal }: GetOptions,
): Promise<GetResult> {
  const { name } = connection.profile;
  const headers: Record<string, string> = {};
  if (range !== undefined) headers["range"] = rangeHeader(range);
  if (ifMatch !== undefined) headers["if-match"] = `"${ifMatch}"`;
  let body: ObjectBody | undefined;
  try {
    const purpose: S3Purpose = { op: "get", path: key, signal };
    const request: S3Request = { method: "GET", key, headers, expectedBytes };
    const download = mayReuseMemory ? await connection.download(purpose, request) : undefined;
    const answer = download ?? (await connection.open(purpose, request));
    body = s3Body(connection, key, answer, signal);
    const info = objectInfo(connection, "get", key, answer.headers);
    const { sizeBytes } = info;
    const sent = answer.headers["content-range"];
    const isWhole = range === undefined && sent === undefined;
    if (!isWhole && !isAnswerTo(range ?? WHOLE, sizeBytes, answer.headers))
      throw otherBytes(range, sizeBytes, sent, key, name);
    // Some stores ignore the condition.
    if (ifMatch !== undefined && info.etag !== ifMatch) throw preconditionFailed(name, "get", key, ifMatch);
    return { info, body: verify ? verifiedBody(name, info, range, body) : body };
  } catch (error) {
    await body?.cancel();
    if (isStorageError(error, "precondition_failed") && ifMatch !== undefined) {
      throw preconditionFailed(name, "get", key, ifMatch);
    }
    if (isStorageError(error) && error.storeCode === "InvalidRange" && range !== undefined) {
      throw rangeBeyondEnd(range, undefined, key, name);
    }
    throw error;
  }
}

/** Whether an answer has exactly the bytes of a range. One without `Content-Range` has the whole object. */
function isAnswerTo(range: ByteRange, sizeBytes: number, headers: IncomingHttpHeaders): boolean {
  if (sizeBytes === 0) return false;
  const start = "last" in range ? Math.max(0, sizeBytes - range.last) : range.start;
  const end = "last" in range ? sizeBytes : Math.min(range.end ?? sizeBytes, sizeBytes);
  const { "content-range": sent, "content-length": length = end - start } = headers;
  if (sent === undefined) return start === 0 && end === sizeBytes;
  return sent.startsWith(`bytes ${start}-${end - 1}/`) && Number(length) === end - start;
}

/** The error for a server that sends something else than a range. MinIO does so for an empty object, which has no range. */
function otherBytes(
  range: ByteRange | undefined,
  sizeBytes: number,
  sent: string | undefined,
  key: Key,
  backend: string,
): StorageError {
  if (sizeBytes === 0 && range !== undefined) return rangeBeyondEnd(range, sizeBytes, key, backend);
  const wanted = range === undefined ? "the whole object" : JSON.stringify(range);
  const problem = range === undefined ? "the store sent a part of the object" : "the store ignores ranges";
  return new StorageError({
    code: "not_supported",
    op: "get",
    path: key,
    backend,
    message: `get ${key}: ${problem}: it sent ${sent ?? "the whole object"} for ${wanted}.`,
  });
}

function rangeHeader(range: ByteRange): string {
  if ("last" in range) return `bytes=-${range.last}`;
  return `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`;
}
