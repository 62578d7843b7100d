import { createHash } from "node:crypto";
import { commitOrDiscard, type Exchange, modificationTime, requireBucket } from "../http/exchange.ts";
import { type S3Reply, xmlReply } from "../http/s3-reply.ts";
import { requestHeader, storedKey } from "../http/s3-request.ts";
import { decodeUri } from "../http/uri-encoding.ts";
import { S3Error } from "../s3-error.ts";
import {
  CHECKSUM_ALGORITHMS,
  type ChecksumAlgorithm,
  parseChecksumAlgorithm,
  startChecksum,
} from "../store/checksum.ts";
import type { ObjectRecord, OpenObject, StagedBytes } from "../store/object-store.ts";
import { xmlElement } from "../xml/xml-writer.ts";
import { noSuchKey } from "./get-object.ts";
import { attributesOf } from "./object-headers.ts";
import { preconditionFailed, weighRead, writeCondition } from "./preconditions.ts";

/** Opens the object that `x-amz-copy-source` names and checks its conditions. The caller closes the source. */
export function openCopySource(exchange: Exchange): OpenObject {
  const { request, store, profile } = exchange;
  const header = requestHeader(request, "x-amz-copy-source") ?? "";
  const [path = "", version] = header.split("?versionId=");
  if (version !== undefined && version !== "null") {
    throw new S3Error("NotImplemented", "Object versions are not implemented.");
  }
  const [, bucket, rawKey] = /^\/?([^/]+)\/(.+)$/s.exec(decodeUri(path)) ?? [];
  if (bucket === undefined || rawKey === undefined) {
    throw new S3Error("InvalidArgument", "Copy Source must mention the source bucket and key: bucket/key");
  }
  requireBucket(exchange, bucket);
  const found = store.open(bucket, storedKey(rawKey, profile));
  if (found === undefined) throw noSuchKey();
  if (weighRead(request, "x-amz-copy-source-", found.record) !== "proceed") {
    found.source.close();
    throw preconditionFailed("x-amz-copy-source conditions");
  }
  return found;
}

/** Copied bytes with their MD5 in hex and the requested checksum. */
export interface CopiedBytes {
  readonly staged: StagedBytes;
  readonly md5: string;
  readonly checksum?: NonNullable<ObjectRecord["checksum"]>;
}

/** Stages a copy of `[start, end)` of a source and closes the source. */
export async function stageCopy(
  exchange: Exchange,
  found: OpenObject,
  range: { readonly start: number; readonly end: number },
  algorithm?: ChecksumAlgorithm,
): Promise<CopiedBytes> {
  const writer = exchange.store.stage();
  const md5 = createHash("md5");
  const running = algorithm && (await startChecksum(algorithm));
  try {
    for await (const chunk of found.source.read(range.start, range.end)) {
      md5.update(chunk);
      running?.update(chunk);
      await writer.write(chunk);
    }
    const copied = { staged: await writer.finish(), md5: md5.digest("hex") };
    if (algorithm === undefined || running === undefined) return copied;
    const value = running.digest().toString("base64");
    return { ...copied, checksum: { algorithm, value, type: "FULL_OBJECT" } };
  } catch (error) {
    await writer.abort();
    throw error;
  } finally {
    found.source.close();
  }
}

/** Returns the `ETag`, `LastModified` and checksum elements of a copy's result. */
export function copyResult(record: Pick<ObjectRecord, "etag" | "lastModifiedMs" | "checksum">): string[] {
  const { checksum } = record;
  return [
    xmlElement("ETag", `"${record.etag}"`),
    xmlElement("LastModified", new Date(record.lastModifiedMs).toISOString()),
    ...(checksum ? [xmlElement(CHECKSUM_ALGORITHMS[checksum.algorithm].element, checksum.value)] : []),
  ];
}

export async function copyObject(exchange: Exchange): Promise<S3Reply> {
  const { request, profile } = exchange;
  requireBucket(exchange);
  const condition = writeCondition(request, profile.copyTargetConditionPrefix);
  const directive = requestHeader(request, "x-amz-metadata-directive") ?? "COPY";
  if (directive !== "COPY" && directive !== "REPLACE") {
    throw new S3Error("InvalidArgument", "Unknown metadata directive.");
  }
  const replaces = directive === "REPLACE";
  const asked = requestHeader(request, "x-amz-checksum-algorithm");
  const attributes = attributesOf(exchange);
  const algorithm = asked === undefined ? undefined : parseChecksumAlgorithm(asked);
  const found = openCopySource(exchange);
  const source = found.record;
  if (!replaces && exchange.store.find(request.bucket, request.key) === source) {
    found.source.close();
    const message =
      "This copy request is illegal because it is trying to copy an object to itself without changing the object's metadata.";
    throw new S3Error("InvalidRequest", message);
  }
  const range = { start: 0, end: source.size };
  const copied = await stageCopy(exchange, found, range, algorithm ?? source.checksum?.algorithm);
  const record: ObjectRecord = {
    key: request.key,
    size: source.size,
    etag: copied.md5,
    lastModifiedMs: modificationTime(exchange),
    contentHeaders: replaces ? attributes.contentHeaders : source.contentHeaders,
    userMetadata: replaces ? attributes.userMetadata : source.userMetadata,
    ...(copied.checksum && { checksum: copied.checksum }),
  };
  commitOrDiscard(exchange, record, copied.staged, condition);
  return xmlReply("CopyObjectResult", copyResult(record));
}
