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
    const isRanged = answer.headers["content-range"] !== undefined && sizeBytes > 0;
    if (range !== undefined && !isRanged && !isWhole(range, sizeBytes)) {
      throw rangeIgnored(range, sizeBytes, key, name);
    }
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

/** Whether a range covers a whole object. */
function isWhole(range: ByteRange, sizeBytes: number): boolean {
  if (sizeBytes === 0) return false;
  return "last" in range
    ? range.last >= sizeBytes
    : range.start === 0 && (range.end ?? sizeBytes) >= sizeBytes;
}

/** The error for a server that answers a range with the whole object. MinIO does so for an empty one, which has no range. */
function rangeIgnored(range: ByteRange, sizeBytes: number, key: Key, backend: string): StorageError {
  if (sizeBytes === 0) return rangeBeyondEnd(range, sizeBytes, key, backend);
  return new StorageError({
    code: "not_supported",
    op: "get",
    path: key,
    backend,
    message: `get ${key}: the store ignores ranges: it sent the whole object for ${JSON.stringify(range)}.`,
  });
}

function rangeHeader(range: ByteRange): string {
  if ("last" in range) return `bytes=-${range.last}`;
  return `bytes=${range.start}-${range.end === undefined ? "" : range.end - 1}`;
}
