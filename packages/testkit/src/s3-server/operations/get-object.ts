import { type Exchange, requireBucket } from "../http/exchange.ts";
import type { S3Reply } from "../http/s3-reply.ts";
import { queryInteger, requestHeader, type S3Request } from "../http/s3-request.ts";
import { S3Error } from "../s3-error.ts";
import type { ObjectRecord } from "../store/object-store.ts";
import { type ByteRange, resolveRange } from "./byte-range.ts";
import { objectHeaders, versionHeaders } from "./object-headers.ts";
import { preconditionFailed, weighRead } from "./preconditions.ts";

export function noSuchKey(): S3Error {
  return new S3Error("NoSuchKey", "The specified key does not exist.");
}

/** Returns the range of the requested `partNumber`. */
function partRange(request: S3Request, record: ObjectRecord): ByteRange | undefined {
  if (!request.query.has("partNumber")) return undefined;
  const number = queryInteger(request, "partNumber", 0);
  const sizes = record.partSizes ?? [record.size];
  const size = sizes[number - 1];
  if (size === undefined) {
    throw new S3Error("InvalidPartNumber", "The requested partnumber is not satisfiable");
  }
  if (requestHeader(request, "range") !== undefined) {
    throw new S3Error("InvalidRequest", "Cannot specify both Range header and partNumber query parameter");
  }
  const start = sizes.slice(0, number - 1).reduce((sum, bytes) => sum + bytes, 0);
  return { start, end: start + size };
}

/** Returns the reply without the bytes. */
function describe(request: S3Request, record: ObjectRecord): S3Reply & { readonly range: ByteRange } {
  const whole = { start: 0, end: record.size };
  switch (weighRead(request, "", record)) {
    case "failed":
      throw preconditionFailed("If-Match or If-Unmodified-Since");
    case "not-modified":
      throw new S3Error("NotModified", "Not Modified", versionHeaders(record));
    default: {
      const part = partRange(request, record);
      const range = part ?? resolveRange(requestHeader(request, "range"), record.size);
      const { start, end } = range ?? whole;
      const isWhole = range === undefined || (part !== undefined && end - start === record.size);
      const headers = objectHeaders(request, record, isWhole);
      headers["content-length"] = String(end - start);
      if (range !== undefined && record.size > 0) {
        headers["content-range"] = `bytes ${start}-${end - 1}/${record.size}`;
      }
      if (part !== undefined && record.partSizes !== undefined) {
        headers["x-amz-mp-parts-count"] = String(record.partSizes.length);
      }
      return { status: range === undefined ? 200 : 206, headers, range: { start, end } };
    }
  }
}

/** GetObject: the object's bytes, or a range of them, as they were when the request arrived. */
export function getObject(exchange: Exchange): S3Reply {
  const { request, store } = exchange;
  requireBucket(exchange);
  const found = store.open(request.bucket, request.key);
  if (found === undefined) throw noSuchKey();
  try {
    const { status, headers, range } = describe(request, found.record);
    return { status, headers, body: { source: found.source, ...range } };
  } catch (error) {
    found.source.close();
    throw error;
  }
}

/** HeadObject: the reply of GetObject without the bytes. */
export function headObject(exchange: Exchange): S3Reply {
  const { request, store } = exchange;
  requireBucket(exchange);
  const record = store.find(request.bucket, request.key);
  if (record === undefined) throw noSuchKey();
  const { status, headers } = describe(request, record);
  return { status, headers };
}
