import type { Exchange } from "../http/exchange.ts";
import { requestHeader, type S3Request } from "../http/s3-request.ts";
import { S3Error } from "../s3-error.ts";
import type { ObjectAttributes, ObjectRecord } from "../store/object-store.ts";

/** Maximum bytes of user metadata, names and values together. */
const MAX_METADATA_BYTES = 2048;
const METADATA_PREFIX = "x-amz-meta-";

/** Content headers that are stored unchanged. */
const STORED_HEADERS = ["cache-control", "content-disposition", "content-language", "expires"];

/** Query parameters that replace a content header of the reply. */
const OVERRIDES: Readonly<Record<string, string>> = {
  "response-cache-control": "cache-control",
  "response-content-disposition": "content-disposition",
  "response-content-encoding": "content-encoding",
  "response-content-language": "content-language",
  "response-content-type": "content-type",
  "response-expires": "expires",
};

/** Returns `Content-Encoding` without `aws-chunked`, which describes the transfer and not the object. */
function contentEncoding(request: S3Request): string | undefined {
  const codings = (request.headers["content-encoding"] ?? "").split(",").map((coding) => coding.trim());
  const own = codings.filter((coding) => coding !== "" && coding.toLowerCase() !== "aws-chunked");
  return own.length === 0 ? undefined : own.join(",");
}

function userMetadata(request: S3Request): Record<string, string> {
  const metadata: Record<string, string> = {};
  let bytes = 0;
  const add = (name: string): void => {
    if (!name.startsWith(METADATA_PREFIX)) return;
    const value = requestHeader(request, name) ?? "";
    const short = name.slice(METADATA_PREFIX.length);
    metadata[short] = value;
    bytes += short.length + value.length;
  };
  for (const name in request.headers) add(name);
  if (request.presigned) for (const name of request.query.keys()) add(name.toLowerCase());
  if (bytes > MAX_METADATA_BYTES) {
    throw new S3Error("MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size");
  }
  return metadata;
}

/** Returns the content headers and user metadata of a request. Throws `MetadataTooLarge` above 2 KB. */
export function attributesOf(exchange: Exchange): ObjectAttributes {
  const { request, profile } = exchange;
  const contentHeaders: Record<string, string> = {
    "content-type": request.headers["content-type"] ?? profile.defaultContentType,
  };
  const encoding = contentEncoding(request);
  if (encoding !== undefined) contentHeaders["content-encoding"] = encoding;
  for (const name of STORED_HEADERS) {
    const value = request.headers[name];
    if (typeof value === "string") contentHeaders[name] = value;
  }
  return { contentHeaders, userMetadata: userMetadata(request) };
}

/** Returns the headers that identify an object's version. */
export function versionHeaders(record: ObjectRecord): Record<string, string> {
  return {
    etag: `"${record.etag}"`,
    "last-modified": new Date(record.lastModifiedMs).toUTCString(),
  };
}

/**
 * Returns the headers of an object for a GET or HEAD reply, without those of its length. The checksum is included only for
 * the whole object: a client would compare it with the range that it received.
 */
export function objectHeaders(
  request: S3Request,
  record: ObjectRecord,
  wholeObject: boolean,
): Record<string, string> {
  const headers: Record<string, string> = {
    ...versionHeaders(record),
    ...record.contentHeaders,
    "accept-ranges": "bytes",
  };
  for (const name in record.userMetadata) {
    headers[METADATA_PREFIX + name] = record.userMetadata[name] ?? "";
  }
  if (wholeObject && requestHeader(request, "x-amz-checksum-mode")?.toUpperCase() === "ENABLED") {
    Object.assign(headers, checksumHeaders(record));
  }
  for (const [name, value] of request.query) {
    const overridden = OVERRIDES[name];
    if (overridden === undefined) continue;
    if (/[^\t\x20-\x7e]/.test(value)) throw new S3Error("InvalidArgument", `Invalid value for ${name}.`);
    headers[overridden] = value;
  }
  return headers;
}

/** Returns the headers of a record's checksum, if it has one. */
export function checksumHeaders(record: Pick<ObjectRecord, "checksum">): Record<string, string> {
  const { checksum } = record;
  if (checksum === undefined) return {};
  return { [`x-amz-checksum-${checksum.algorithm}`]: checksum.value, "x-amz-checksum-type": checksum.type };
}
